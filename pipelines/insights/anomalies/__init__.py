"""Anomalies of hourly and daily numbers; nothing here knows Dagster (docs/insights/anomalies.md)."""
