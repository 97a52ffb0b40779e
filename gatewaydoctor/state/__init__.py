"""Where things are in a state directory: found, listed and classified; never written."""
