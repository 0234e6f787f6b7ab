"""Dagster's half: what runs when, over which partition. What is computed lies in the sub-packages and in `metrics`."""
