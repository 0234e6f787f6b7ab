"""MongoDB aggregation stages that rollups and custom periods share: docs/metrics.md, 4 and 5, as expressions."""

from metrics.aggregation.custom import custom

__all__ = ["custom"]
