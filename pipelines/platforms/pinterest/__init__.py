"""The client of Pinterest's API."""
