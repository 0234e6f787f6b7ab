"""Weeks and months are read in place of their days, where their rollups are the merges of these days."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from metrics.aggregation import custom_rollups
from metrics.aggregation.post_parts import merged_sums
from metrics.aggregation.stored_periods import DAYS_ALONE, LONGER, StoredPeriods
from metrics.calendars import Calendar
from metrics.definitions.evaluate import evaluate
from metrics.definitions.language.checker import check
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.scope import Scope
from metrics.documents import Platform
from metrics.expected import FOREVER, Connection, Span
from metrics.periods import Period, period_start
from metrics.store import Store
from metrics.store.rollup.rollups import answering_for
from pipelines.rollup import roll
from tests.examples import NIGHTLY, tried
from tests.metrics.definitions.reference import World
from tests.metrics.definitions.test_law import DAY, GROUPINGS, START, accepted, exactly, fill, formulas, spans, worlds

LENGTH = 75
"""Days from 2 March on: April is whole, March and May are not."""
END = START + LENGTH * DAY


def rolled(store: Store, world: World) -> list[Connection]:
    """Store a world, and derive its weeks and months as the product does."""
    world.rollups = [one for one in world.rollups if one["metrics"]]
    accounts = fill(store.db, world)
    for name in ("accounts", "aggregated_metrics", "roll_marks"):
        store.db[name].delete_many({})
    for period in LONGER:
        starts = {period_start(period, START + n * DAY) for n in range(LENGTH)}
        roll(store, period, sorted(starts), run_id="r", workspace_ids=["w"], settle=False)
    return accounts


@pytest.mark.timeout(600 if settings.get_current_profile_name() != NIGHTLY else 3600)
@given(st.data())
@settings(tried(6, nightly=500), phases=(Phase.explicit, Phase.generate))
def test_weeks_and_months_give_what_their_days_give(store: Store, data: st.DataObject) -> None:
    """Values of formulas, and rollups of accounts and of the parts of posts, which series and totals are made of."""
    world = data.draw(worlds(LENGTH, (0,)))
    form = accepted(data.draw(formulas(world)), world)
    assume(form is not None)
    assert form is not None
    # To derive the weeks and months of a world takes most of the time, so both laws are shown on each.
    accounts, grouping = rolled(store, world), data.draw(st.sampled_from(GROUPINGS))
    cut = [*data.draw(spans(LENGTH)), (START - DAY, END)]

    def values(periods: StoredPeriods | None) -> list[Any]:
        found = evaluate(store, form, Scope("w"), cut, accounts, group_by=grouping, periods=periods)
        return [(one.span, one.group, exactly(one), one.missing) for one in found]

    assert values(None) == values(StoredPeriods())
    scope = {"workspaceId": "w", **answering_for(0)}
    for span in cut:

        def merged(periods: StoredPeriods, span: Span = span) -> Any:
            of_accounts = custom_rollups(store, "w", *span, connections=accounts, now=END, periods=periods)
            return of_accounts, merged_sums(store, span, scope, ("contentType", "metricType"), periods)

        found, expected = merged(StoredPeriods.read(store, "w", [span], accounts)), merged(DAYS_ALONE)
        assert _close(found, expected), span


def _close(found: Any, expected: Any) -> bool:
    """Tell whether two nested values are equal; sums of floats depend on the order in which they were added."""
    if isinstance(expected, Mapping):
        return found.keys() == expected.keys() and all(_close(found[key], one) for key, one in expected.items())
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(_close, found, expected))
    return bool(found == pytest.approx(expected) if isinstance(expected, float) else found == expected)


def account(name: str, platform: Platform = "instagram", **more: Any) -> Connection:
    return Connection(name, platform, ((START - DAY, FOREVER),), **more)


@pytest.fixture
def filled(store: Store) -> Store:
    """A post of each day of five months, with its weeks and months."""
    store.rollups.subjects.insert_many([{
        "_id": f"p{n}", "workspaceId": "w", "accountId": "a", "platform": "instagram", "subjectId": "p",
        "postId": "p", "metricType": "post", "contentType": "image", "period": "daily",
        "periodStart": START + n * DAY, "periodEnd": START + (n + 1) * DAY, "observedSlots": 24,
        "metrics": {"likes": {"open": n, "close": n + 1, "net": 1, "samples": 1}},
    } for n in range(LENGTH)])  # fmt: skip
    for period in LONGER:
        starts = {period_start(period, START + n * DAY) for n in range(LENGTH)}
        roll(store, period, sorted(starts), run_id="r", workspace_ids=["w"], settle=False)
    return store


def starts(store: Store, period: Period, *accounts: Connection) -> list[str]:
    """Return the usable periods within the days of the world, by their first day."""
    found = StoredPeriods.read(store, "w", [(START, END)], accounts or [account("a")])
    return [f"{span[0]:%m-%d}" for span in dict(found.spans).get(period, ())]


def test_whole_periods_with_all_of_their_days_are_used(filled: Store) -> None:
    assert starts(filled, "monthly") == ["04-01"]
    assert starts(filled, "weekly")[:2] == ["03-02", "03-09"]
    found = StoredPeriods.read(filled, "w", [(START, END)], [account("a")]).divide((START + DAY, END))
    assert [(period, f"{span[0]:%m-%d}", (span[1] - span[0]) // DAY) for period, span in found] == [
        ("daily", "03-03", 6), ("weekly", "03-09", 7), ("weekly", "03-16", 7), ("weekly", "03-23", 7),
        ("daily", "03-30", 2), ("monthly", "04-01", 30), ("daily", "05-01", 3), ("weekly", "05-04", 7),
        ("daily", "05-11", 5),
    ]  # fmt: skip


def test_period_that_waits_to_be_rolled_up_is_read_by_days(filled: Store) -> None:
    filled.marks.touch([("w", "monthly", datetime(2026, 4, 1, tzinfo=UTC)), ("other", "weekly", START)])
    assert starts(filled, "monthly") == []
    assert starts(filled, "weekly")[0] == "03-02"


def test_period_that_was_not_rolled_up_is_read_by_days(filled: Store) -> None:
    filled.rollups.accounts.delete_many({"period": "monthly"})
    assert starts(filled, "monthly") == []


def test_period_outlives_its_days(filled: Store) -> None:
    """Retention deletes a rollup when its end is too old: the month has the days that were deleted before it."""
    april = (datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    old = {"period": {"$in": ["daily", "weekly"]}, "periodStart": {"$lt": april[0] + 9 * DAY}}
    filled.rollups.subjects.delete_many(old)
    form = check("likes", Vocabulary()).form
    (value,) = evaluate(filled, form, Scope("w"), [april], [account("a")])
    assert value.value == 30


def test_period_of_another_calendar_is_not_used(filled: Store) -> None:
    filled.calendars.prepare("w", Calendar(week_start="sunday"))
    assert starts(filled, "weekly")[0] == "03-02"


def test_short_spans_look_up_nothing(filled: Store) -> None:
    assert StoredPeriods.read(filled, "w", [(START, START + 6 * DAY)], []) == StoredPeriods()


def test_period_in_which_the_terms_end_is_read_by_days(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    today = datetime(2026, 5, 20, tzinfo=UTC)
    monkeypatch.setattr("metrics.aggregation.stored_periods.utcnow", lambda: today)
    kept = {("youtube", "public"): (today - datetime(2026, 4, 9, tzinfo=UTC)) // timedelta(days=1)}
    monkeypatch.setattr("metrics.aggregation.stored_periods.KEPT_DAYS", kept)
    limited = account("b", "youtube", access="public")
    assert starts(filled, "monthly", account("a")) == ["04-01"]
    assert starts(filled, "monthly", account("a"), limited) == []
    assert "04-06" not in starts(filled, "weekly", limited)
