"""The endpoints of the API: one module per group of routes, and their shared parts (queries, cursors, envelopes)."""
