"""JSON and JSON5 exactly as the gateway reads them, of any size and damage."""
