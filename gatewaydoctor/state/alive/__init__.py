"""Whether a gateway runs on a state directory: processes, locks and other evidence."""
