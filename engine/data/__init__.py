"""Data: from a file to normalised conversations. `source.read_source` is the door; nothing is coerced or dropped silently."""
