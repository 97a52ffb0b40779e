"""sessions.json as a stream: cut into spans, read entry by entry, judged as the gateway would judge it."""
