"""What was found, told: one document behind every format, and screens for people."""
