"""Repairs of the files next to a store."""
