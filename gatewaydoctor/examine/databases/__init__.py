"""Databases, what is wrong with them, and the move to them, as facts."""
