"""Benchmarks as rows: each account of a group in each period, and the distribution of the group's metrics beside them.

The rows of a group are its accounts (`kind` is `account`), then one row each with the number, the quartiles and the
median of the values that are compared (`n`, `p25`, `median`, `p75`), each in the column of its metric.
"""

from collections.abc import Generator, Iterator
from datetime import date, datetime
from typing import Any

from metrics.benchmarks.groups import group_periods
from metrics.benchmarks.reading import BenchmarkPeriod, periods_of, watch_of
from metrics.benchmarks.standing import AccountNumbers, Comparison
from metrics.documents import Document, WatchedDocument
from metrics.store import Store

_OF_ACCOUNT = ("key", "handle", "label", "own", "source", "enteredBy", "state")


def benchmark_rows(
    store: Store, workspace_id: str, period: BenchmarkPeriod, first: date, last: date, now: datetime
) -> Generator[Document, None, None]:
    """Yield the rows of every period that holds a date of the range, oldest first.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    watch = watch_of(store, workspace_id)
    for group in group_periods(watch, periods_of(store, watch, period, first, last, now), now):
        span = group.period.span
        of_group: Document = {
            "workspaceId": workspace_id,
            "period": period,
            "periodStart": span.start,
            "periodEnd": span.end,
            "periodLabel": span.label,
            "status": group.status,
            "platform": group.platform,
            **({"group": group.name} if group.name else {}),
        }
        compared = list(group.comparisons())
        yield from ({**of_group, **_of_account(*one, compared)} for one in group.accounts)
        yield from ({**of_group, **row} for row in _distribution(compared))


def _of_account(watched: WatchedDocument, account: AccountNumbers, compared: list[Comparison]) -> Document:
    numbers = account.numbers
    ranks = {
        found.metric: one.percentile_rank
        for found in compared
        for one in found.standings
        if one.watched_id == account.watched_id and one.percentile_rank is not None
    }
    by_name: dict[str, Any] = {
        "postsByType": numbers.posts_by_type,
        "percentileRanks": ranks,
        "unavailable": numbers.unavailable,
        "leftOut": {f.metric: f.left_out[account.watched_id] for f in compared if account.watched_id in f.left_out},
    }
    return {
        "kind": "account",
        **{name: watched[name] for name in _OF_ACCOUNT if name in watched},  # type: ignore[literal-required]
        "days": account.expected,
        "observedDays": account.observed,
        "measuredPosts": numbers.measured_posts,
        "hiddenPosts": numbers.hidden_posts,
        "viewedPosts": numbers.viewed_posts,
        **{str(name): value for name, value in numbers.values.items()},
        **{name: value for name, value in by_name.items() if value},
    }


def _distribution(compared: list[Comparison]) -> Iterator[Document]:
    yield {"kind": "n", **{found.metric: found.n for found in compared}}
    for place, kind in enumerate(("p25", "median", "p75")):
        values = {str(found.metric): found.quartiles[place] for found in compared if found.quartiles is not None}
        lacking = {found.metric: found.unavailable for found in compared if found.unavailable is not None}
        yield {"kind": kind, **values, **({"unavailable": lacking} if lacking else {})}
