"""Roll-ups: aggregate observations to rollups inside MongoDB, as docs/metrics.md (2 to 6) defines them."""

from pipelines.rollup.compare import ComparisonReport, Difference, compare_with_log
from pipelines.rollup.rebuild import RebuildReport, rebuild
from pipelines.rollup.roll import RollReport, roll
from pipelines.rollup.unexplained import Unexplained, Where, count_unexplained

__all__ = [
    "ComparisonReport",
    "Difference",
    "RebuildReport",
    "RollReport",
    "Unexplained",
    "Where",
    "compare_with_log",
    "count_unexplained",
    "rebuild",
    "roll",
]
