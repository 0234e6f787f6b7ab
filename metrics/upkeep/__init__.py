"""Upkeep of the stores: erasure, backup and restore, retention, key rotation, and sizes."""
