"""Simulated API of Pinterest."""
