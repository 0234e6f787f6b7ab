"""Roll-ups as MongoDB aggregation stages, and totals and comparisons of them (docs/metrics.md, 4 to 6)."""

from metrics.aggregation.custom import custom_rollups

__all__ = ["custom_rollups"]
