"""One module per scenario: its options, what its remedies may turn, and its event-driven model."""
