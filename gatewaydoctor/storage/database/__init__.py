"""Databases read by hand: nothing is opened, locked or created."""
