"""Roll-ups: aggregate observations to rollups inside MongoDB, as docs/metrics.md (2 to 6) defines them."""

from pipelines.rollup.rebuild import Difference, RebuildReport, rebuild
from pipelines.rollup.roll import RollReport, roll
from pipelines.rollup.unexplained import Unexplained, Where, count_unexplained

__all__ = ["Difference", "RebuildReport", "RollReport", "Unexplained", "Where", "count_unexplained", "rebuild", "roll"]
