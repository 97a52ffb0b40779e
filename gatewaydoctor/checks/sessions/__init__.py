"""Rules about sessions and their transcripts."""
