"""The command line as a whole: options, outcomes, exit codes, streams and progress."""
