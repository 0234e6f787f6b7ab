"""Series equal a brute-force reference over the log: every interval, every kind of metric, every way to group."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics.aggregation.post_parts import PostPart
from metrics.calendars.workspace import UTC_WORKSPACE
from metrics.settings import Settings
from metrics.store import Store
from serving.endpoints.rollups.charts import Chart
from serving.endpoints.rollups.names import METRICS, fields_for
from serving.endpoints.rollups.selection import Selection
from serving.endpoints.series import slots_of
from tests.examples import tried
from tests.metrics.aggregation.test_post_parts import wanted
from tests.pipelines.rollup.reference import HOUR, Reference
from tests.pipelines.rollup.worlds import World, worlds
from tests.serving.rollups import reference as brute

few = settings(tried(4, nightly=150), phases=(Phase.explicit, Phase.generate))
NAMES = (*brute.SUMMED, "engagementRate", "reach")
INTERVALS = ("daily", "weekly", "monthly", "quarterly", "yearly", "fiscal-month", "rolling-7", "rolling-28", "custom")
GROUPS = ((), ("platform",), ("account",), ("platform", "account"))
OF_POSTS = (("contentType",), ("metricType",), ("platform", "contentType"), ("contentType", "metricType"))


def selected(store: Store, world: World, days: int) -> Selection:
    accounts = store.accounts.connections([world.workspace_id])
    first = world.base.date()
    scope = {"workspaceId": world.workspace_id}
    return Selection("custom", first, first + timedelta(days=days - 1), UTC_WORKSPACE, scope, accounts, world.now)


def close(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def charted(
    store: Store, configured: Settings, chosen: Selection, interval: str, by: Sequence[str], **more: Any
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the periods and the series of all metrics."""
    metrics = [METRICS[name] for name in more.pop("names", NAMES)]
    selection: Selection | None = chosen
    if interval != "custom":
        selection = replace(chosen, kind=interval, fields=fields_for(metrics))  # type: ignore[arg-type]
    if interval == "hourly":
        selection, periods = None, slots_of(chosen)
    else:
        assert selection is not None
        periods = selection.periods
    chart = Chart(store, configured, periods, selection, chosen, by, more.pop("content_type", None))
    return periods, [one for group in chart.groups() for one in chart.series(group, metrics)]


@given(worlds(), st.sampled_from(INTERVALS), st.sampled_from(GROUPS))
@few
def test_series_of_accounts_equal_the_reference(
    store: Store, settings: Settings, world: World, interval: str, by: tuple[str, ...]
) -> None:
    world.write(store)
    world.roll_all(store)
    chosen = selected(store, world, 20)
    periods, found = charted(store, settings, chosen, interval, by)
    for one in found:
        fields = {{"platform": "platform", "account": "_id"}[name]: value for name, value in one["group"].items()}
        reference, metric = brute.only(world.reference, **fields), one["metric"]
        expected = [brute.value(reference, metric, period.start, period.end) for period in periods]
        assert one["values"] == [close(value) for value in expected], (metric, one["group"])
        assert sorted(one["unavailable"]) == sorted(str(n) for n, value in enumerate(expected) if value is None)
        assert one.get("total") == close(brute.value(reference, metric, *chosen.range_bounds)), metric
        assert ("total" in one) != ("totalUnavailable" in one)
    labels = [tuple(one["group"].values()) for one in found]
    assert labels == sorted(labels)
    assert {one["metric"] for one in found} <= set(NAMES)


@given(worlds(), st.sampled_from(("daily", "weekly", "rolling-7")), st.sampled_from(OF_POSTS))
@few
def test_series_of_parts_of_the_posts_equal_the_reference(
    store: Store, settings: Settings, world: World, interval: str, by: tuple[str, ...]
) -> None:
    world.write(store)
    world.roll_all(store)
    chosen = selected(store, world, 20)
    names = (*brute.NETS, "totalEngagement", "engagementRate", "postCount", "followers")
    periods, found = charted(store, settings, chosen, interval, by, names=names)
    for one in found:
        group = dict(one["group"])
        platform = {"platform": group.pop("platform")} if "platform" in group else {}
        reference = brute.only(world.reference, **platform)
        part = PostPart(group.get("contentType"), group.get("metricType"))
        for spans, values in (
            ([period.bounds for period in periods], one["values"]),
            ([chosen.range_bounds], [one.get("total")]),
        ):
            expected = [
                wanted(reference, part, start, end, brute.kind_of(start, end)).get(one["metric"])
                for start, end in spans
            ]
            assert values == [close(value) for value in expected], (one["metric"], group)
        if one["metric"] == "followers":
            assert set(one["unavailable"].values()) <= {"not_supported", "no_observation"}
            assert one["totalUnavailable"] in ("not_supported", "no_observation")


@given(worlds(), st.sampled_from(((), ("account",), ("contentType",))))
@few
def test_hours_equal_the_reference(store: Store, settings: Settings, world: World, by: tuple[str, ...]) -> None:
    world.write(store)
    world.roll_all(store)
    chosen = selected(store, world, 4)
    names = (*brute.NETS, "totalEngagement", "followers", "followerGrowth")
    names = names[:-2] if by == ("contentType",) else names
    periods, found = charted(store, settings, chosen, "hourly", by, names=names)
    assert {period.end - period.start for period in periods} <= {HOUR}
    for one in found:
        account = {"_id": one["group"]["account"]} if by == ("account",) else {}
        reference: Reference = brute.only(world.reference, **account)
        type_ = one["group"].get("contentType")
        assert one["values"] == [brute.hourly(reference, one["metric"], p.start, type_) for p in periods], one["metric"]
    of_days = {
        (one["metric"], *one["group"].values()): one
        for one in charted(store, settings, chosen, "daily", by, names=names)[1]
    }
    # Hours in which an account was not connected count in its day, but not as hours.
    start, end = chosen.range_bounds
    always = end <= world.now and all(account.throughout(start, end) for account in chosen.accounts)
    for one in found:
        if one["metric"] in (*brute.NETS, "followerGrowth"):
            # A group whose posts were read in hours without a number of theirs has no days.
            of_day = of_days.get((one["metric"], *one["group"].values()), {})
            assert one.get("total") == of_day.get("total")
            assert not always or sum(value or 0 for value in one["values"]) == one.get("total", 0)
