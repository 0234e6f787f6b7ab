"""Enter numbers of a watched account by hand, for platforms that show none of others.

The numbers are levels of the account, of one day of the workspace's calendar. They become observations with the source
`manual` and the name of who entered them. An account has either such numbers or those of the platform, never both: a
series that mixes them in silence would show growth that nobody had.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from metrics.calendars import Calendar
from metrics.catalog import metrics_of
from metrics.collection.appending import Entry, append_and_mark
from metrics.documents import Observation, Platform, WatchedDocument
from metrics.errors import InvalidInput
from metrics.periods import DAY
from metrics.platforms.kept import first_kept
from metrics.platforms.registry import FACTS
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from metrics.visible import visible
from metrics.watching.lists import Refused, watched_account

_VERSION = "manual"
_LARGEST = 2**53
_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Entered:
    """What was entered: the account as it is now, the numbers by canonical name, and when."""

    watched: WatchedDocument
    day: date
    numbers: Mapping[str, int]
    entered_at: datetime


def enterable(platform: Platform) -> tuple[str, ...]:
    """Return the names of the numbers that can be entered: the levels that everybody sees of an account."""
    return tuple(
        metric.name
        for metric in metrics_of("account", "gauge")
        if platform in metric.offers and not metric.offers[platform].further
    )


def enter_numbers(
    store: Store,
    workspace_id: str,
    platform: Platform,
    name: str,
    numbers: Mapping[str, object],
    by: str,
    horizon: Horizon,
    day: date | None = None,
) -> Entered:
    """Store the numbers of a watched account of a day, in place of those of the same names that were entered before.

    `day` is one of the workspace's calendar, by default the present one. `by` is the name of the key or the person that
    enters them; `horizon.now` is the present instant.

    Raises:
        InvalidInput: a number is unknown, is none, or the day is not one that is kept.
        NotFound: the workspace does not watch the account.
        Refused: the platform shows the numbers of the account.
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    watched = watched_account(store, workspace_id, platform, name)
    values = _checked(platform, numbers)
    calendar = store.calendars.get(workspace_id).current
    day = day or calendar.date_of(horizon.now)
    slot = _slot(calendar, watched, day, horizon)
    public = store.public
    if watched["source"] == "public" and public.observations.newest_slot({"accountId": watched["_id"]}) is not None:
        raise Refused(
            f"{FACTS[platform].title} shows the numbers of {visible(watched['handle'])}, and none are mixed with these "
            "by hand: remove the account and watch it again to enter its numbers",
        )
    fields = {"source": "manual", "enteredBy": by, "connectedAt": min(slot, watched["connectedAt"])}
    store.watch_lists.change(watched, fields)
    observation = Observation(
        workspace_id,
        watched["_id"],
        platform,
        "account",
        slot,
        horizon.now,
        values,
        _VERSION,
        _VERSION,
        source="manual",
        entered_by=by,
    )
    append_and_mark(public, [Entry(workspace_id, [observation])])
    return Entered(watched_account(store, workspace_id, platform, watched["key"]), day, values, horizon.now)


def _checked(platform: Platform, numbers: Mapping[str, object]) -> dict[str, int]:
    names = enterable(platform)
    if not numbers:
        raise InvalidInput(f"numbers: give at least one of {', '.join(names)}", "numbers")
    found: dict[str, int] = {}
    for name, value in numbers.items():
        if name not in names:
            raise InvalidInput(
                f"numbers: {visible(name[:_SHOWN])} is none of the numbers that {FACTS[platform].title} shows of an "
                f"account: {', '.join(names)}",
                "numbers",
            )
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
            raise InvalidInput(f"numbers: {name} is a whole number from 0 to 2^53", "numbers")
        found[name] = value
    return found


def _slot(calendar: Calendar, watched: WatchedDocument, day: date, horizon: Horizon) -> datetime:
    """Return the first slot of a day of the workspace, which is one that is kept and has begun."""
    first = horizon.observations_from(watched["workspaceId"])
    days = FACTS[watched["platform"]].public.terms.days
    if days is not None:
        first = max(first, first_kept(days, horizon.now))
    span, today = calendar.span("daily", day), calendar.date_of(horizon.now)
    if day > today:
        raise InvalidInput(f"date: {day} has not begun: the present day is {today}", "date")
    if span.start < first:
        oldest = calendar.date_of(first)
        oldest += DAY if calendar.span("daily", oldest).start < first else timedelta(0)
        raise InvalidInput(f"date: numbers of {day} are no longer kept: give a day from {oldest} on", "date")
    if span.empty:
        raise InvalidInput(f"date: the time zone of the workspace skipped {day}: give the day before or after", "date")
    return span.start
