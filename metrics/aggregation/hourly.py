"""Values per slot, read from the log: nets of counters over posts, and levels of accounts; nothing is written.

A net is the difference to the value that was known before, whenever that was read, and it belongs to the slot in which
it was observed. The first value of a range is compared with the opening of its day, which the day's rollup has. So the
nets of the slots of a day add up to the net of the day. Without that rollup the first value has no net.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from metrics.aggregation.consents import DERIVED, note_left_out
from metrics.aggregation.post_parts import PostPart
from metrics.aggregation.post_sums import TOTALS, total_name
from metrics.aggregation.totals import offered_totals
from metrics.calendars import Calendar
from metrics.catalog import engagement_parts
from metrics.documents import Document, Platform, Reason
from metrics.expected import Connection, Span
from metrics.periods import HOUR
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.observations import LEVELS
from metrics.store.rollup.rollups import derived_by

_NETS = {name: total_name(name) for name in TOTALS}
HOURLY = (*_NETS.values(), "totalEngagement", "followers", "followerGrowth")
"""The metrics that have a value per slot."""
_Values = dict[str, int | float]


@dataclass(frozen=True)
class Hours:
    """The values of a range of slots.

    `values` are by account and kind of post (None for the account itself), then by slot and metric. `observed` are the
    pairs of an account and a slot in which the account itself was observed.
    """

    values: Mapping[tuple[str, PostPart | None], Mapping[datetime, _Values]]
    observed: frozenset[tuple[str, datetime]]

    def parts(self, account_ids: Iterable[str]) -> set[PostPart]:
        """Return the kinds of posts of these accounts that were observed."""
        wanted = set(account_ids)
        return {part for account_id, part in self.values if part is not None and account_id in wanted}


def read_hours(store: Store, scope: Document, span: Span, calendar: Calendar, *, consecutive: bool = False) -> Hours:
    """Read the values of the slots of a span of whole days of the calendar.

    `scope` has `workspaceId`, and may narrow `platform` and `accountId`. With `consecutive`, only gains of a single
    hour count: those of subjects that were read in the slot before as well, or that are new and begin at 0.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    openings = _Openings(store, scope, span, calendar)
    values: defaultdict[tuple[str, PostPart | None], defaultdict[datetime, _Values]]
    values = defaultdict(lambda: defaultdict(dict))
    observed = set()
    for subject_id, metadata, slots in _subjects(store, scope, span):
        own = metadata["metricType"] == "account"
        part = None if own else PostPart(metadata.get("contentType", "other"), metadata["metricType"])
        of_slot = values[metadata["accountId"], part]
        if own:
            observed |= {(subject_id, slot) for slot, read in slots if not read.keys().isdisjoint(LEVELS)}
            for slot, read in slots:
                if "followers" in read:
                    of_slot[slot]["followers"] = read["followers"]
        for slot, nets in _nets(subject_id, slots, openings, consecutive=consecutive):
            _add(of_slot[slot], _of_account(nets) if own else _of_post(metadata, nets))
    return Hours(values, frozenset(observed))


def net_of_posts(store: Store, workspace_id: str, account_id: str, total: str, span: Span) -> dict[str, float]:
    """Return what each post of an account added to a total in a span of slots, as far as it was observed in it.

    A post that was first observed in the span counts from 0 if it was published in it.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    start, end = span
    scope = {"workspaceId": workspace_id, "accountId": account_id, "metricType": {"$ne": "account"}}
    read = list(_subjects(store, scope, (start - HOUR, end)))
    published = store.posts.published_at([subject_id for subject_id, _, _ in read])
    found = {}
    for subject_id, metadata, slots in read:
        first: _Values = {} if subject_id in published and published[subject_id] >= start else slots[0][1]
        nets = {name: value - first.get(name, 0) for name, value in slots[-1][1].items()}
        amount = _of_post(metadata, nets).get(total)
        if amount is not None:
            found[subject_id] = amount
    return found


def hourly_totals(
    hours: Hours,
    slots: Sequence[datetime],
    accounts: Sequence[Connection],
    now: datetime,
    part: PostPart | None = None,
    withheld: frozenset[Platform] = frozenset(),
) -> Iterator[dict[str, Any]]:
    """Yield the totals of every slot in which an account is expected, oldest first.

    They are `{periodStart, metrics, unavailable, missing, status}`, as those of `workspace_totals`. With a part of the
    posts, they are over these posts alone. The `withheld` platforms take no part in engagement, because their terms
    demand a consent.
    """
    sources = _by_account(hours, part)
    for slot in slots:
        expected = [account for account in accounts if account.expected(slot, slot + HOUR)]
        if not expected:
            continue
        total = _total(hours, slot, expected, part, sources, withheld)
        total["status"] = "open" if slot + HOUR > now else "partial" if total["missing"] else "complete"
        if withheld:
            note_left_out(total, expected, withheld)
        yield total


def _total(
    hours: Hours,
    slot: datetime,
    expected: Sequence[Connection],
    part: PostPart | None,
    sources: Mapping[str, Sequence[Mapping[datetime, _Values]]],
    withheld: frozenset[Platform],
) -> dict[str, Any]:
    metrics: _Values = {}
    missing: defaultdict[str, list[str]] = defaultdict(list)
    for account in expected:
        found: _Values = {}
        for source in sources.get(account.account_id, ()):
            if slot in source:
                _add(found, source[slot])
        names = _offered(account.platform, part)
        if (account.account_id, slot) not in hours.observed:
            for name in names:
                missing[name].append(account.account_id)
        elif "followers" in names and "followers" not in found:
            missing["followers"].append(account.account_id)
        if account.platform in withheld:
            found = {name: value for name, value in found.items() if name not in DERIVED}
        _add(metrics, found)
    possible = {name for account in expected for name in _offered(account.platform, part)}
    unavailable: dict[str, Reason] = {
        name: "no_observation" if name in possible else "not_supported" for name in HOURLY if name not in metrics
    }
    return {"periodStart": slot, "metrics": metrics, "unavailable": unavailable, "missing": dict(missing)}


def _offered(platform: Platform, part: PostPart | None) -> frozenset[str]:
    return frozenset(HOURLY) & frozenset(offered_totals(platform, part))


def _by_account(hours: Hours, part: PostPart | None) -> dict[str, list[Mapping[datetime, _Values]]]:
    """Return the values of each account, only those over a part of its posts if one is given."""
    found: dict[str, list[Mapping[datetime, _Values]]] = {}
    for (account_id, kind), of_slot in hours.values.items():
        if part is None or (kind and part.has({"contentType": kind.content_type, "metricType": kind.metric_type})):
            found.setdefault(account_id, []).append(of_slot)
    return found


def _subjects(
    store: Store, scope: Document, span: Span
) -> Iterator[tuple[str, Document, list[tuple[datetime, _Values]]]]:
    """Yield each subject with its metadata and the values of its slots, in order of time.

    Of several observations of a slot, the value with the newest `collectedAt` counts, for each metric.
    """
    start, end = span
    match = {f"metadata.{name}": value for name, value in scope.items()}
    names = {*_NETS, *LEVELS}
    stages: list[Document] = [
        {"$match": {**match, "timestamp": {"$gte": start, "$lt": end}}},
        {"$project": {"timestamp": 1, "metadata": 1, "collectedAt": 1, **{f"metrics.{name}": 1 for name in names}}},
        {"$sort": {"metadata.accountId": 1, "metadata.postId": 1, "timestamp": 1, "collectedAt": 1, "_id": 1}},
    ]
    with mongo_errors():
        rows = store.observations.aggregate(stages)
        for subject_id, read in groupby(rows, lambda row: _subject_id(row["metadata"])):
            slots: dict[datetime, _Values] = {}
            metadata: Document = {}
            for row in read:
                metadata = row["metadata"]
                known = {name: value for name, value in row["metrics"].items() if _is_number(value)}
                slots.setdefault(row["timestamp"], {}).update(known)
            yield subject_id, metadata, list(slots.items())


def _subject_id(metadata: Document) -> str:
    return str(metadata.get("postId") or metadata["accountId"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nets(
    subject_id: str, slots: Iterable[tuple[datetime, _Values]], openings: "_Openings", *, consecutive: bool
) -> Iterator[tuple[datetime, _Values]]:
    """Yield the slots in which a value of a subject has a net, with the nets."""
    last: _Values = {}
    seen: dict[str, datetime] = {}
    for slot, read in slots:
        nets: _Values = {}
        for name, value in read.items():
            before = last[name] if name in last else openings.of(subject_id, slot, name)
            if before is None:
                continue
            if consecutive and (seen[name] != slot - HOUR if name in seen else before != 0):
                # The gain is of several hours, or of nobody knows how many.
                continue
            nets[name] = value - before
        last |= read
        seen |= dict.fromkeys(read, slot)
        if nets:
            yield slot, nets


def _of_account(nets: _Values) -> _Values:
    return {"followerGrowth": nets["followers"]} if "followers" in nets else {}


def _of_post(metadata: Document, nets: _Values) -> _Values:
    found = {total: nets[name] for name, total in _NETS.items() if name in nets}
    parts = engagement_parts(metadata["platform"], metadata["metricType"], metadata.get("contentType", "other"))
    if parts and all(part in nets for part in parts):
        found["totalEngagement"] = sum(nets[part] for part in parts)
    return found


def _add(to: _Values, values: Mapping[str, int | float]) -> None:
    for name, value in values.items():
        to[name] = to.get(name, 0) + value


class _Openings:
    """The values just before the days of a span, from the rollups of subjects."""

    def __init__(self, store: Store, scope: Document, span: Span, calendar: Calendar) -> None:
        start, end = span
        derived = derived_by(calendar.version)
        match = {**scope, "period": "daily", "periodStart": {"$gte": start, "$lt": end}, **derived}
        opens = {f"metrics.{name}.open": 1 for name in (*_NETS, "followers")}
        with mongo_errors():
            rows = store.rollups.subjects.find(match, {"_id": 0, "subjectId": 1, "periodStart": 1, **opens})
            self._metrics = {(row["subjectId"], row["periodStart"]): row["metrics"] for row in rows}
        self._calendar = calendar
        self._days: dict[datetime, datetime] = {}

    def of(self, subject_id: str, slot: datetime, name: str) -> int | float | None:
        """Return the value of a metric just before the day of a slot; None if the day was not rolled up with it."""
        if slot not in self._days:
            self._days[slot] = self._calendar.span("daily", self._calendar.date_of(slot)).start
        entry = self._metrics.get((subject_id, self._days[slot]), {}).get(name, {})
        opening: int | float | None = entry.get("open")
        return opening
