"""Hypothesis strategies for accounts that are connected and disconnected, and a brute-force count of their hours.

It shares no code with metrics.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from metrics.documents import PLATFORMS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BASE = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday; accounts are first connected within some days before or after it."""

_steps = st.sampled_from([1, 20, 59, 60, 61, 600, 1439, 1440, 1441, 5000, 20000]).map(lambda n: timedelta(minutes=n))
_starts = st.sampled_from([-30000, -1440, -61, -60, -1, 0, 1, 59, 60, 720, 1440, 4000]).map(
    lambda n: timedelta(minutes=n)
)


@st.composite
def changes(draw: st.DrawFn) -> list[datetime]:
    """Draw when an account was connected, disconnected, connected again, and so on."""
    found = [BASE + draw(_starts)]
    for step in draw(st.lists(_steps, max_size=5)):
        found.append(found[-1] + step)
    return found


def account(account_id: str, platform: str, instants: list[datetime]) -> dict[str, Any]:
    """Return the document of an account that was connected at the first instant, disconnected at the next, etc."""
    found: dict[str, Any] = {"_id": account_id, "platform": platform, "connectedAt": instants[0]}
    gaps = zip(instants[1::2], instants[2::2], strict=False)
    if listed := [{"disconnectedAt": gone, "connectedAt": back} for gone, back in gaps]:
        found["disconnections"] = listed
    if len(instants) % 2 == 0:
        found["disconnectedAt"] = instants[-1]
    return found


@st.composite
def accounts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw up to four accounts."""
    platforms = draw(st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=4))
    return [account(f"a{n}", platform, draw(changes())) for n, platform in enumerate(platforms)]


def hours(one: dict[str, Any], start: datetime, end: datetime) -> list[datetime]:
    """Return the hours of `[start, end)` at whose end the account was connected."""
    every = [start + n * HOUR for n in range((end - start) // HOUR)]
    return [hour for hour in every if connected(one, hour + HOUR)]


def connected(one: dict[str, Any], instant: datetime) -> bool:
    """Tell whether the newest change before an instant was a connection."""
    known = [(one["connectedAt"], True)]
    for gap in one.get("disconnections", []):
        known += [(gap["disconnectedAt"], False), (gap["connectedAt"], True)]
    if "disconnectedAt" in one:
        known.append((one["disconnectedAt"], False))
    return [state for at, state in known if at < instant][-1:] == [True]
