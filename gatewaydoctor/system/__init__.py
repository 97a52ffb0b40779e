"""The machine as the readers see it: files and processes. Nothing here can write."""
