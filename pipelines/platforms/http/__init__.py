"""HTTP client of the platforms: connections, deadlines, bounded bodies of answers, retries, a bound on concurrency."""
