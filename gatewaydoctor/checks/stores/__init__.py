"""Rules about session stores and databases."""
