"""Erase an account or a workspace: observations, rollups, records, credentials, cached answers, events, exports."""

from metrics.upkeep.erase.extent import left_of
from metrics.upkeep.erase.late import take_back, take_back_account
from metrics.upkeep.erase.run import Erased, LeftOver, begin, go_on

__all__ = ["Erased", "LeftOver", "begin", "go_on", "left_of", "take_back", "take_back_account"]
