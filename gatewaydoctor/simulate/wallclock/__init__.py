"""`--clock wall`: what a model saves is saved for real, on files."""
