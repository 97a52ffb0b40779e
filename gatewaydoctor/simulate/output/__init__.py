"""Results and comparisons for a terminal, as JSON, Markdown and pictures."""
