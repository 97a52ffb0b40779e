"""Snippets as the programs they are for read them, and their scripts run for real."""
