"""Simulated Instagram: `world` holds the true values, `node` answers reads within the Graph API."""
