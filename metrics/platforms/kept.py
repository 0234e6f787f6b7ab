"""From which day on the terms of a platform allow to keep what was read of an account."""

from datetime import datetime, timedelta

from metrics.documents import AccountAccess, Platform
from metrics.periods import DAY, midnight
from metrics.platforms.registry import KEPT_DAYS


def first_kept(days: int, now: datetime) -> datetime:
    """Return the first whole day that may be kept for so many days."""
    return midnight((now - timedelta(days=days)).date()) + DAY


def not_kept(platform: Platform, access: AccountAccess, start: datetime, now: datetime) -> bool:
    """Tell whether the terms allow to keep nothing of a period of an account that begins at `start`."""
    days = KEPT_DAYS.get((platform, access))
    return days is not None and start < first_kept(days, now)
