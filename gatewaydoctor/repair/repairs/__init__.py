"""One file per repair, with what only that repair needs."""
