"""Plans and how they are carried out: one file per repair, and the machinery that applies, keeps and undoes."""
