"""The five laws of docs/metrics.md, 4, and equality with the reference."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics.aggregation import custom_rollups
from metrics.aggregation.totals import PeriodRollups, workspace_totals
from metrics.documents import Document
from metrics.store import Store
from pipelines.rollup.write import STAMPS
from tests.examples import tried
from tests.pipelines.rollup.reference import period_of
from tests.pipelines.rollup.worlds import PERIODS, World, again, worlds

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
few = settings(tried(4, nightly=200), phases=(Phase.explicit, Phase.generate))
"""Nothing is shrunk: each attempt writes and rolls a whole workspace in MongoDB, which takes up to two seconds."""


def stored(store: Store, world: World) -> dict[str, Document]:
    """Every rollup of the workspace by `_id`, without its stamps."""
    query = {"workspaceId": world.workspace_id}
    rows = [*store.rollups.subjects.find(query), *store.rollups.accounts.find(query)]
    kinds = ["s"] * store.rollups.subjects.count_documents(query) + ["a"] * len(rows)
    return {
        f"{kind}:{row['_id']}": {name: value for name, value in row.items() if name not in STAMPS}
        for kind, row in zip(kinds, rows, strict=False)
    }


def same(found: Any, wanted: Any) -> None:
    """Equal to the last digit for counts, within 1e-9 for ratios."""
    if isinstance(wanted, dict):
        assert sorted(found) == sorted(wanted)
        for name, value in wanted.items():
            same(found[name], value)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    else:
        assert found == wanted


def compare(document: Document | None, wanted: dict[str, Any] | None) -> None:
    if wanted is None:
        assert document is None
    else:
        assert document is not None
        same({name: document[name] for name in wanted}, wanted)


@given(worlds())
@few
def test_every_rollup_equals_the_reference(store: Store, world: World) -> None:
    world.write(store)
    world.roll_all(store)
    reference = world.reference
    for period in PERIODS:
        for start, end in {period_of(period, start) for start in world.starts(period)}:
            key = {"workspaceId": world.workspace_id, "period": period, "periodStart": start}
            for owner in world.accounts:
                subjects = store.rollups.subjects.find({**key, "accountId": owner["_id"]})
                wanted = reference.subjects(owner["_id"], start, end, period)
                same({row["subjectId"]: row["metrics"] for row in subjects}, wanted)
                document = store.rollups.accounts.find_one({**key, "accountId": owner["_id"]})
                compare(document, reference.account(owner["_id"], start, end, period))


@given(worlds())
@few
def test_totals_are_those_of_the_accounts_that_were_connected(store: Store, world: World) -> None:
    world.write(store)
    world.roll_all(store)
    connections = store.accounts.connections([world.workspace_id])
    for period in PERIODS:
        for start, end in {period_of(period, start) for start in world.starts(period)}:
            rows = {d["accountId"]: d for d in store.rollups.aggregated(world.workspace_id, period, start, end)}
            total = workspace_totals(PeriodRollups(start, end, rows), connections, world.now)
            hours = [start + n * HOUR for n in range((end - start) // HOUR)]
            there = [
                a["_id"] for a in world.accounts if any(world.reference.connected(a["_id"], h + HOUR) for h in hours)
            ]
            assert (total is None) == (not there)
            if total is not None:
                documents = [d for one in there if (d := world.reference.account(one, start, end, period))]
                levels = [d["aggregatedMetrics"].get("followers") for d in documents]
                known = [level for level in levels if level is not None]
                assert total["metrics"].get("followers") == (sum(known) if known else None)
                assert (total["accounts"], total["expectedAccounts"]) == (len(documents), len(there))


@given(worlds(), st.integers(0, 20))
@few
def test_disconnection_changes_no_rollup_of_a_period_that_had_ended(store: Store, world: World, days: int) -> None:
    world.write(store)
    world.roll_all(store)
    at = world.base + days * DAY

    def ended() -> dict[str, Document]:
        return {key: row for key, row in stored(store, world).items() if row["periodEnd"] <= at}

    before, gone = ended(), world.accounts[0]
    if gone["connectedAt"] <= at and "disconnectedAt" not in gone and "disconnections" not in gone:
        store.accounts.disconnect(gone["_id"], at)
    world.roll_all(store)
    assert ended() == before


@given(worlds(), st.integers(0, 6), st.integers(1, 12))
@few
def test_custom_period_equals_the_reference(store: Store, world: World, first: int, days: int) -> None:
    world.write(store)
    world.roll(store, "daily")
    start, end = world.base + first * DAY, world.base + (first + days) * DAY
    found = {
        d["accountId"]: d
        for d in custom_rollups(
            store, world.workspace_id, start, end, connections=store.accounts.connections(), now=world.now
        )
    }
    for owner in world.accounts:
        kind = {1: "daily", 7: "weekly"}.get(days, "custom")
        wanted = world.reference.account(owner["_id"], start, end, kind)
        compare(found.get(owner["_id"]), wanted)  # type: ignore[arg-type]


@given(worlds())
@few
def test_conservation_nets_of_days_add_up(store: Store, world: World) -> None:
    world.write(store)
    world.roll(store, "daily")
    start, end = world.base, world.base + 40 * DAY
    nets: dict[tuple[str, str], int] = defaultdict(int)
    for row in store.rollups.subjects.find({"workspaceId": world.workspace_id, "period": "daily"}):
        for name, entry in row["metrics"].items():
            nets[row["subjectId"], name] += entry.get("net", 0)
    for owner in world.accounts:
        for subject, entries in world.reference.subjects(owner["_id"], start, end, "custom").items():
            assert all(nets[subject, name] == entry["net"] for name, entry in entries.items() if "net" in entry)


def is_pure(store: Store, world: World, chance: random.Random) -> None:
    """Rolling up the days in any order, and twice, gives the same rollups."""
    world.write(store)
    world.roll_all(store)
    before = stored(store, world)
    days = world.starts("daily") * 2
    chance.shuffle(days)
    for day in days:
        world.roll(store, "daily", [day])
    world.roll(store, "monthly")
    world.roll(store, "weekly")
    assert stored(store, world) == before


def heals(store: Store, world: World, data: st.DataObject) -> None:
    """The marks of late observations bring all rollups up to date that these change."""
    late = data.draw(st.sets(st.integers(0, len(world.observations) - 1)))
    world.write(store, [o for i, o in enumerate(world.observations) if i not in late])
    world.roll_marked(store)
    world.append(store, [world.observations[i] for i in sorted(late)])
    world.roll_marked(store)
    healed = stored(store, world)
    world.roll_all(store)
    assert stored(store, world) == healed


def is_idempotent(store: Store, world: World) -> None:
    """The same observations a second time change no rollup, and only their days are rolled up again."""
    world.write(store)
    world.roll_marked(store)
    before = stored(store, world)
    world.append(store, again(world.observations))
    rolled = world.roll_marked(store)
    assert stored(store, world) == before
    assert {period for period, _ in rolled} <= {"daily"}


@given(worlds(), st.randoms(use_true_random=False))
@few
def test_purity_any_order_any_number_of_times(store: Store, world: World, chance: random.Random) -> None:
    is_pure(store, world, chance)


@given(worlds(), st.data())
@few
def test_late_data_heals_by_the_marks_alone(store: Store, world: World, data: st.DataObject) -> None:
    heals(store, world, data)


@given(worlds())
@few
def test_idempotence_the_same_collection_twice(store: Store, world: World) -> None:
    is_idempotent(store, world)


def test_reference_knows_its_calendar() -> None:
    at = datetime.fromisoformat
    assert period_of("weekly", at("2026-01-01T05:00Z")) == (at("2025-12-29T00:00Z"), at("2026-01-05T00:00Z"))
    assert period_of("monthly", at("2024-02-29T23:00Z")) == (at("2024-02-01T00:00Z"), at("2024-03-01T00:00Z"))
