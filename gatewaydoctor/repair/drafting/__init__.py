"""A plan while it is being made: the draft, its options and its figures."""
