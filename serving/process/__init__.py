"""The serving process itself: logs, threads, shutdown, garbage collection, and Prometheus metrics."""
