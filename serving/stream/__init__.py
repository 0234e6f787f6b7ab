"""Server-sent events: one reader per workspace stream, many bounded queues."""
