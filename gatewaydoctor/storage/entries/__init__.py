"""Session entries as both storage engines give them: decoded, in columns, counted, chosen."""
