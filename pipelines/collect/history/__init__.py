"""The history of accounts: posts and provider's days from before the connection, read in slices behind the hours."""

from pipelines.collect.history.reader import LAST_STEP_SECONDS, SECONDS, HistoryReader
from pipelines.collect.history.report import HistoryReport

__all__ = ["LAST_STEP_SECONDS", "SECONDS", "HistoryReader", "HistoryReport"]
