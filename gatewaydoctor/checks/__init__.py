"""Rules: pure functions from facts to findings, one file per family, one registry."""
