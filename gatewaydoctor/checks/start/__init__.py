"""What a start makes of a state directory: the events of a forecast, and the state they follow from."""
