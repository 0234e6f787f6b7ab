"""Simulated X: `world` holds the true values, `api` answers requests of API v2, `objects` builds the answers."""
