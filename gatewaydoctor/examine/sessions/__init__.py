"""Session stores and the files next to them, as facts."""
