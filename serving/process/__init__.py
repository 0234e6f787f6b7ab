"""The serving process itself: logs, threads, shutdown, settings of the interpreter, and Prometheus metrics."""
