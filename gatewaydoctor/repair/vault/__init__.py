"""The vault: where runs live, what they keep, and what is known about each."""
