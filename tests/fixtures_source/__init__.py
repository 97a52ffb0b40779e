"""The source of fixtures/: `python -m tests.fixtures_source` writes them, the same bytes each time.

A module per family. What each fixture has to show is written here by hand, from the rules as documented, and not
taken from what the program finds.
"""
