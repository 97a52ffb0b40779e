"""What the shells offer at Tab, and the manual page: both written from one description of the command line."""
