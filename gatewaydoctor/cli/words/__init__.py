"""Values as they are typed on the command line."""
