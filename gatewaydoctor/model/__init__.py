"""The values everything else speaks in: frozen, comparable, free of I/O."""
