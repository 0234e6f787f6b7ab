"""Simulated APIs of YouTube: the Data API v3, the Analytics API v2, and Google's token endpoint."""
