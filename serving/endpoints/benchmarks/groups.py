"""`GET …/benchmarks`: watched accounts by group, and where own accounts stand, by public numbers alone."""

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from metrics.benchmarks.catalog import COMPARED, METRICS, BenchmarkMetric, engagement_parts_shown, notes_of
from metrics.benchmarks.groups import GroupPeriod, group_periods
from metrics.benchmarks.reading import Watch, periods_of, watch_of
from metrics.benchmarks.standing import AccountNumbers, Comparison
from metrics.clock import utcnow
from metrics.documents import Platform, WatchedDocument
from metrics.encoding import dump_json
from metrics.errors import InvalidInput
from metrics.platforms.registry import FACTS
from metrics.store import Store
from metrics.visible import visible
from serving.cache.plan import State
from serving.endpoints.access import key_of, require_existing, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.cursors import decode_cursor, encode_cursor, instant, milliseconds
from serving.endpoints.query import BenchmarksQuery, parse
from serving.services import services
from serving.wire.problems import Problem


async def benchmarks(request: Request) -> Response:
    """Answer the groups of watched accounts in each period of a range, and where own accounts stand in them."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, BenchmarksQuery), services(request), request.url.path
    place = decode_cursor(query, route, 3)
    after = (instant(place[0]), str(place[1]), str(place[2])) if place else None
    query.days()

    def read(state: State) -> bytes:
        require_existing(parts.store, key_of(request), workspace_id)
        watch = watched_in(parts.store, workspace_id, query.platform, query.group)
        now = utcnow()
        dated = query.dated(watch.calendar)
        periods = periods_of(parts.store, watch, query.period, *dated.days(), now)
        rest = (one for one in group_periods(watch, periods, now) if after is None or place_of(one) > after)
        page, cursor = list(islice(rest, query.limit + 1)), None
        if len(page) > query.limit:
            page.pop()
            start, platform, name = place_of(page[-1])
            cursor = encode_cursor(query, route, [milliseconds(start), platform, name])
        data = [{"period": query.period, **shown(one, query.names)} for one in page]
        meta = {
            "period": query.period,
            "calendar": {**watch.calendar.described(), "version": watch.calendar.version},
            "platformsOff": sorted(watch.platforms_off),
        }
        return dump_json(envelope(data, dated, state, cursor=cursor, **meta))

    return await answer(request, workspace_id, "benchmarks", query, read)


def watched_in(store: Store, workspace_id: str, name: str | None, group: str | None) -> Watch:
    """Return what a workspace watches on one platform or all, in one group or all.

    Raises:
        Problem: 422, the workspace switched the platform off.
        InvalidInput: no watched account is in the group.
        MongoUnavailable: MongoDB does not answer.
    """
    platform = cast("Platform | None", name)
    found = watch_of(store, workspace_id, platform, group)
    if platform is not None and platform in found.platforms_off:
        message = (
            f"platform: the workspace switched {FACTS[platform].title} off for watching: switch it on with "
            "`tidemark watch on`"
        )
        raise Problem(422, f"{message}.", errors=[("platform", message)])
    if group is not None and not found.accounts:
        where = f" on {FACTS[platform].title}" if platform else ""
        raise InvalidInput(
            f"group: no watched account{where} is in the group {visible(group)}: see `GET …/watched`", "group"
        )
    return found


def place_of(group: GroupPeriod) -> tuple[Any, str, str]:
    """Return where a group stands in the order of the answer."""
    return group.period.span.start, group.platform, group.name or ""


def shown(group: GroupPeriod, names: Sequence[BenchmarkMetric]) -> dict[str, Any]:
    """Return a group as the API shows it, with these metrics."""
    span = group.period.span
    keys = {watched["_id"]: watched["key"] for watched, _ in group.accounts}
    return {
        "periodStart": span.start,
        "periodEnd": span.end,
        "periodLabel": span.label,
        "status": group.status,
        "platform": group.platform,
        **({"group": group.name} if group.name else {}),
        "engagementParts": engagement_parts_shown(group.platform),
        "notes": notes_of(group.platform),
        "accounts": [_account(watched, numbers, names) for watched, numbers in group.accounts],
        "metrics": [_comparison(one, keys) for one in group.comparisons([n for n in names if n in COMPARED])],
    }


def _account(watched: WatchedDocument, account: AccountNumbers, names: Collection[BenchmarkMetric]) -> dict[str, Any]:
    found = account.numbers
    values: dict[str, Any] = {name: value for name, value in found.values.items() if name in names}
    if found.posts_by_type is not None and "postsByType" in names:
        values["postsByType"] = found.posts_by_type
    fields = ("key", "handle", "label", "own", "source", "enteredBy", "state", "stateReason")
    return {
        **{name: watched[name] for name in fields if name in watched},  # type: ignore[literal-required]
        "coverage": {"days": account.expected, "observedDays": account.observed},
        "measuredPosts": found.measured_posts,
        "hiddenPosts": found.hidden_posts,
        "viewedPosts": found.viewed_posts,
        "numbers": values,
        "unavailable": {name: reason for name, reason in found.unavailable.items() if name in names},
    }


def _comparison(found: Comparison, keys: dict[str, str]) -> dict[str, Any]:
    meaning = METRICS[found.metric]
    quartiles = zip(("p25", "median", "p75"), found.quartiles or (), strict=False)
    own = []
    for one in found.standings:
        ranks = {"percentileRank": one.percentile_rank, "gapToMedian": one.gap_to_median}
        own.append(
            {
                "key": keys[one.watched_id],
                "accountId": one.account_id,
                "value": one.value,
                **{name: value for name, value in ranks.items() if value is not None},
            }
        )
    return {
        "metric": found.metric,
        "unit": meaning.unit,
        **({"basis": meaning.basis} if meaning.basis else {}),
        "n": found.n,
        **dict(quartiles),
        **({"unavailable": found.unavailable} if found.unavailable else {}),
        "own": own,
        "leftOut": [{"key": keys[watched_id], "reason": reason} for watched_id, reason in found.left_out.items()],
    }
