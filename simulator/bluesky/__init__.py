"""Simulated Bluesky (AT protocol)."""
