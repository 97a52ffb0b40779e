"""Edits of databases: on a private copy, checked, and made into one new file. The original is only read."""
