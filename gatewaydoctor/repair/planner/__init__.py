"""From an examination to a plan, and from a plan to what the next start does."""
