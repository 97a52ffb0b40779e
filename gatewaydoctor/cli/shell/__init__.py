"""What every verb shares: a run and its outcome, exit codes, streams, progress and what is written."""
