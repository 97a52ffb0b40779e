"""The cron directory: jobs, their state and their run logs."""
