"""Dagster sensors: each finds due work and requests runs for it, or alerts people to failures."""
