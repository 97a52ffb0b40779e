"""The command line: which verbs and options there are, how a line is read, and what describes them."""
