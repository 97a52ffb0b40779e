"""Where a state directory is, what lies in it, whose it is, and which era and release it belongs to."""
