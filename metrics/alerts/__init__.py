"""Alerts by thresholds: which are accepted, what a closed period means for them, and the firings that follow."""
