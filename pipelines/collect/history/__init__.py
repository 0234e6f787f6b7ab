"""Collection of history, at a lower priority than hours: posts and provider's days from before the connection."""

from pipelines.collect.history.reader import LAST_STEP_SECONDS, SECONDS, HistoryReader
from pipelines.collect.history.report import HistoryReport

__all__ = ["LAST_STEP_SECONDS", "SECONDS", "HistoryReader", "HistoryReport"]
