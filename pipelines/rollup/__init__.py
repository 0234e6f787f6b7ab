"""Observations to rollups, inside MongoDB. The numbers are those of docs/metrics.md, 2 to 6."""

from pipelines.rollup.rebuild import Difference, RebuildReport, rebuild
from pipelines.rollup.roll import RollReport, roll
from pipelines.rollup.unexplained import Unexplained, Where, unexplained

__all__ = ["Difference", "RebuildReport", "RollReport", "Unexplained", "Where", "rebuild", "roll", "unexplained"]
