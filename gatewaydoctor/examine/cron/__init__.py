"""Cron jobs by what their runs left behind, and when they fire."""
