"""The command line: one file per verb, and main() that maps every outcome to words and an exit code."""
