"""Rules about cron jobs and the cron directory."""
