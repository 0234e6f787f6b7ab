"""The time of day, in the precision that MongoDB keeps."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Return the present instant in UTC, cut to milliseconds so that it survives a round trip through BSON."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def isoformat(instant: datetime) -> str:
    """Return `instant` as RFC 3339 in UTC with `Z`; fractions only where there are any.

    >>> isoformat(datetime(2026, 1, 15, 10, tzinfo=UTC))
    '2026-01-15T10:00:00Z'
    """
    instant = instant.astimezone(UTC)
    spec = "milliseconds" if instant.microsecond else "seconds"
    return instant.isoformat(timespec=spec).replace("+00:00", "Z")
