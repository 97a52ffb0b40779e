"""openclaw.json: parsed, with includes, as typed settings."""
