"""Read the rows of dimensions from MongoDB, with the keys that `table.Field.source` names."""

from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from metrics.calendars import Calendar, CalendarPeriod
from metrics.catalog import CATALOG, DEFINITION_VERSION
from metrics.documents import AccountDocument, PostDocument
from metrics.export.rows import Row
from metrics.periods import DAY
from metrics.post_content import lasting_permalink
from metrics.store import Store
from metrics.upkeep.erase.consent import without_consent
from metrics.warehouse.dimensions import DIM_ACCOUNT, DIM_CALENDAR, DIM_METRIC, DIM_POST
from metrics.warehouse.table import Table, snake_case

_LABELS: tuple[CalendarPeriod, ...] = (
    "weekly",
    "monthly",
    "quarterly",
    "yearly",
    "fiscal-month",
    "fiscal-quarter",
    "fiscal-year",
)
_WEEKS = 52


@dataclass(frozen=True, slots=True)
class Extent:
    """Of what the dimensions of a workspace tell: without the accounts in `left_out`, from `first` to this year's end.

    `first` is the first date that the warehouse has rows of; None if it has none.
    """

    workspace_id: str
    left_out: Collection[str]
    first: date | None
    now: datetime


def dimension_rows(store: Store, table: Table, extent: Extent) -> Iterator[Row]:
    """Yield the rows of a dimension.

    Accounts whose data were deleted, because their grant ended or a consent is missing, have no rows.

    Raises:
        ValueError: the table is no dimension.
        MongoUnavailable: MongoDB does not answer.
    """
    if table == DIM_METRIC:
        yield from _metrics()
    elif table == DIM_CALENDAR:
        yield from _dates(store.calendars.get(extent.workspace_id).current, extent)
    elif table in (DIM_ACCOUNT, DIM_POST):
        accounts = _accounts(store, extent)
        if table == DIM_ACCOUNT:
            yield from map(_account, accounts)
        else:
            yield from _posts(store, extent.workspace_id, {account["_id"] for account in accounts})
    else:
        raise ValueError(f"{table.name} is no dimension")


def _accounts(store: Store, extent: Extent) -> list[AccountDocument]:
    found = [
        account
        for account in store.accounts.find(workspace_id=extent.workspace_id)
        if account["_id"] not in extent.left_out and "dataDeletedAt" not in account
    ]
    denied = frozenset(without_consent(store, [account["_id"] for account in found]))
    return [account for account in found if account["_id"] not in denied]


def _account(account: AccountDocument) -> Row:
    names = ("workspaceId", "platform", "platformAccountId", "handle", "state", "connectedAt", "disconnectedAt")
    return {
        "access": "owner",
        **{name: account[name] for name in (*names, "access") if name in account},  # type: ignore[literal-required]
        "accountId": account["_id"],
        "validFrom": account["connectedAt"],
        "isCurrent": True,
    }


def _posts(store: Store, workspace_id: str, account_ids: Collection[str]) -> Generator[Row, None, None]:
    with closing(store.posts.stream(workspace_id)) as posts:
        for post in posts:
            if post["accountId"] in account_ids:
                yield _post(post)


def _post(post: PostDocument) -> Row:
    names = ("workspaceId", "accountId", "platform", "platformPostId", "metricType", "contentType", "deletedAt")
    row: Row = {name: post[name] for name in names if name in post}  # type: ignore[literal-required]
    if not post.get("timeUnknown"):
        row["publishedAt"] = post["publishedAt"]
    if (link := lasting_permalink(post)) is not None:
        row["permalink"] = link
    return row | {"postId": post["_id"], "validFrom": post["publishedAt"], "isCurrent": True}


def _metrics() -> Iterator[Row]:
    for metric in CATALOG.values():
        yield {
            "name": metric.name,
            "subject": metric.subject,
            "definitionVersion": DEFINITION_VERSION,
            "column": snake_case(metric.name),
            "kind": metric.kind,
            "unit": metric.unit,
            "addsOverTime": metric.adds_over_time,
            "addsOverSubjects": metric.adds_over_subjects,
            "meaning": metric.meaning,
            "platforms": orjson.dumps(sorted(metric.offers)).decode(),
        }


def _dates(calendar: Calendar, extent: Extent) -> Iterator[Row]:
    today = calendar.date_of(extent.now)
    first = today.replace(month=1, day=1)
    day = first if extent.first is None else min(first, extent.first)
    while day.year <= today.year:
        span = calendar.span("daily", day)
        if not span.empty:
            yield {
                "workspaceId": extent.workspace_id,
                "date": day,
                "timeZone": calendar.time_zone,
                "startsAt": span.start,
                "hours": span.hours,
                "dayOfWeek": day.isoweekday(),
                "weekStart": calendar.first_date("weekly", day),
                **{period: calendar.label(period, day) for period in _LABELS},
                "is53rdWeek": _in_53rd_week(calendar, day),
                "calendarVersion": calendar.version,
            }
        day += DAY


def _in_53rd_week(calendar: Calendar, day: date) -> bool:
    begun = calendar.first_date("fiscal-year", day)
    return calendar.fiscal_pattern != "months" and (day - begun).days // 7 >= _WEEKS
