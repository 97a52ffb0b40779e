"""Speed and memory against the peers present on this machine, whole processes, in one run: `make bench`."""
