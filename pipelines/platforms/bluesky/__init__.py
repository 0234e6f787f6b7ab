"""The client of Bluesky (AT protocol)."""
