"""Event streams: one reader of Redis Streams per process, fan-out to bounded queues, and server-sent events."""
