"""Rollups, the openings they start from, and the marks that say which periods are to be rolled up or exported."""
