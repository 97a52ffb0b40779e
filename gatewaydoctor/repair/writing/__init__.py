"""Writing safely: streams, questions asked before a write, the gateway's own locks, one file system for all."""
