"""Repairs of rows, whichever engine keeps them."""
