"""A run at work: apply, undo, resume and merge, act by act."""
