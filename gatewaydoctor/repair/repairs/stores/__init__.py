"""Repairs of whole stores and databases."""
