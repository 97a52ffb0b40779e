"""Rules about the config, the host and what else an installation holds."""
