"""What `check` decides by: settings, baselines and the decision."""
