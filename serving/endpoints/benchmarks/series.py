"""`GET …/series?scope=benchmarks`: metrics of watched accounts and the quartiles of their groups, by period."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from metrics.benchmarks.catalog import COMPARED, METRICS, BenchmarkMetric
from metrics.benchmarks.groups import GroupPeriod, group_periods
from metrics.benchmarks.reading import BENCHMARK_PERIODS, BenchmarkPeriod, periods_of
from metrics.benchmarks.standing import AccountNumbers, Comparison
from metrics.clock import utcnow
from metrics.documents import Platform, WatchedDocument
from metrics.encoding import dump_json
from metrics.errors import InvalidInput
from serving.cache.plan import State
from serving.endpoints.access import key_of, require_existing
from serving.endpoints.answering import answer, envelope
from serving.endpoints.benchmarks.groups import watched_in
from serving.endpoints.query import SeriesQuery
from serving.endpoints.rollups.limits import check_length, check_size, described
from serving.services import services

_NOT_FOR_BENCHMARKS = ("group_by", "account_id", "content_type", "compare", "at")
SERIES_METRICS = (*COMPARED, "shareOfEngagement")
"""The metrics with one number for each account and period."""


async def benchmark_series(request: Request, workspace_id: str, query: SeriesQuery) -> Response:
    """Answer metrics of benchmarks over consecutive periods, one series per platform, group and metric."""
    parts = services(request)
    period, names = _checked(query)

    def read(state: State) -> bytes:
        require_existing(parts.store, key_of(request), workspace_id)
        watch = watched_in(parts.store, workspace_id, query.platform, query.group)
        now = utcnow()
        dated = query.dated(watch.calendar)
        check_length(period, dated.days(), watch.calendar)
        periods = periods_of(parts.store, watch, period, *dated.days(), now)
        check_size(len(watch.accounts) * len(names) * len(periods))
        found = sorted(group_periods(watch, periods, now), key=_group)
        groups = [list(some) for _, some in groupby(found, key=_group)]
        first, last = dated.days()
        if period != "custom" and periods:
            first, last = periods[0].dates[0], periods[-1].dates[1]
        data = {
            "interval": period,
            "periods": [described(one.span) for one in periods],
            "range": described(watch.calendar.range_span(first, last)),
            "series": [],
            "benchmarks": [_series(some, name) for some in groups for name in names],
        }
        calendar = {**watch.calendar.described(), "version": watch.calendar.version}
        body = envelope(data, dated, state, calendar=calendar, dayBasis={})
        del body["page"]
        return dump_json(body)

    return await answer(request, workspace_id, "series", query, read)


def _checked(query: SeriesQuery) -> tuple[BenchmarkPeriod, tuple[BenchmarkMetric, ...]]:
    """Return the kind of the periods and the metrics of a query.

    Raises:
        InvalidInput: a parameter is not one of benchmarks.
    """
    for field in _NOT_FOR_BENCHMARKS:
        if getattr(query, field) is not None:
            name = str(type(query).model_fields[field].alias)
            raise InvalidInput(f"{name}: `scope=benchmarks` does not have it: leave it out", name)
    if query.interval not in BENCHMARK_PERIODS:
        raise InvalidInput(
            f"interval: with `scope=benchmarks`, it must be one of {', '.join(BENCHMARK_PERIODS)}", "interval"
        )
    names = query.metrics.split(",")
    if not set(names) <= set(SERIES_METRICS):
        message = f"metrics: with `scope=benchmarks`, they must be some of {', '.join(SERIES_METRICS)}"
        raise InvalidInput(message, "metrics")
    return query.interval, cast("tuple[BenchmarkMetric, ...]", tuple(names))


def _group(found: GroupPeriod) -> tuple[Platform, str]:
    return found.platform, found.name or ""


def _series(periods: Sequence[GroupPeriod], metric: BenchmarkMetric) -> dict[str, Any]:
    """Return the series of one group; `periods` are the same group in each period, with the same accounts."""
    one, meaning = periods[0], METRICS[metric]
    compared = [period.comparison(metric) for period in periods] if meaning.compared else []
    return {
        "platform": one.platform,
        **({"group": one.name} if one.name else {}),
        "metric": metric,
        "unit": meaning.unit,
        **({"basis": meaning.basis} if meaning.basis else {}),
        "status": [period.status for period in periods],
        **(_quartiles(compared) if compared else {}),
        "accounts": [
            _account(watched, [period.accounts[place][1] for period in periods], metric, compared)
            for place, (watched, _) in enumerate(one.accounts)
        ],
    }


def _quartiles(compared: Sequence[Comparison]) -> dict[str, Any]:
    p25, median, p75 = zip(*(found.quartiles or (None, None, None) for found in compared), strict=True)
    return {
        "n": [found.n for found in compared],
        "median": median,
        "p25": p25,
        "p75": p75,
        "unavailable": {str(i): found.unavailable for i, found in enumerate(compared) if found.unavailable},
    }


def _account(
    watched: WatchedDocument,
    numbers: Sequence[AccountNumbers],
    metric: BenchmarkMetric,
    compared: Sequence[Comparison],
) -> dict[str, Any]:
    found: dict[str, Any] = {name: watched[name] for name in ("key", "handle", "label", "own") if name in watched}
    found["values"] = [one.numbers.values.get(metric) for one in numbers]
    found["leftOut"] = {str(i): reason for i, one in enumerate(numbers) if (reason := one.reason(metric)) is not None}
    if "own" in watched and compared:
        ranks = ({one.watched_id: one.percentile_rank for one in each.standings} for each in compared)
        found["percentileRank"] = [each.get(watched["_id"]) for each in ranks]
    return found
