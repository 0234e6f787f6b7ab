"""HTTP client of the platforms: sessions, deadlines, bounded response bodies, retries, and a bound on concurrency."""
