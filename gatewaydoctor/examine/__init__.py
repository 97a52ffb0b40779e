"""Gather every fact about a state directory once, without judging any: what the rules and the repairs examine."""
