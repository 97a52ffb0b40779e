"""Plans, receipts and snapshots as values."""
