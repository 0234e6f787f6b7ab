"""Redis: clients, errors, key names, data versions, events, and pauses."""
