"""The platform YouTube: channels through the Data API v3, their days through the Analytics API v2."""
