"""Server-sent events: one reader per process, many bounded queues."""
