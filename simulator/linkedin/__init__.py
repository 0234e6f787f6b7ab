"""Simulated LinkedIn: `world` holds the true values, `restli` parses query strings, `api` answers requests."""
