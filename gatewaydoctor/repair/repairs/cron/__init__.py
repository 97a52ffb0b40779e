"""The repair `cron`: what happens to which job is chosen apart from the files that are edited."""
