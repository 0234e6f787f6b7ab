"""Erase an account or a workspace: observations, rollups, records, credentials, cached answers, events, exports."""

from metrics.upkeep.erase.consent import withdraw_consent
from metrics.upkeep.erase.extent import left_of
from metrics.upkeep.erase.late import take_back, take_back_accounts
from metrics.upkeep.erase.stages import Erased, LeftOver, begin, resume
from metrics.upkeep.erase.watched import delete_watched

__all__ = [
    "Erased",
    "LeftOver",
    "begin",
    "delete_watched",
    "left_of",
    "resume",
    "take_back",
    "take_back_accounts",
    "withdraw_consent",
]
