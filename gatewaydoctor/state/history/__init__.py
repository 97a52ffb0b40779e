"""Transcripts: names, soundness, content and the references to them."""
