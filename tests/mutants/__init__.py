"""Deliberate breakages of the code that holds the promises of architecture.md, each of which a test must notice."""
