"""Screens for people: one file per verb, all built from the same few pieces. 80 columns are enough for each."""
