"""The assets of watched accounts: one run reads and rolls up the present day of every platform, and a past one none."""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from metrics.calendars import Calendar
from metrics.catalog import shown_of_others
from metrics.collection.appending import Entry, append_and_mark
from metrics.collection.calendars import request_change
from metrics.documents import Document, Observation, Platform
from metrics.errors import MongoUnavailable
from metrics.periods import DAY, midnight
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.watching.lists import NewWatch, watch
from pipelines.assets import public
from pipelines.assets.public import public_rollup, raw_public
from pipelines.partitions import period_key
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from pipelines.watching.read import WatchedReader
from simulator import truth
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment, check_of, check_passed, materialized
from tests.pipelines.platforms.public.watching import SECRETS

WATCHED, OWN = 150, 3


@pytest.fixture
def there(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment with the tokens of the app, and a connected account of each platform with a public route."""
    monkeypatch.setattr(public, "RETRIES", dg.RetryPolicy(max_retries=0))
    found = deployment.having(**{name: SecretStr(text) for name, text in SECRETS.items()})
    for platform in PUBLIC_PLATFORMS:
        found.connect(OWN, platform=platform, _id=f"own-{platform}")
    return found


def today(deployment: Deployment) -> datetime:
    return midnight(deployment.hour.date())


def others(deployment: Deployment, platform: Platform, workspace: str = "w") -> str:
    account = deployment.simulator.world.account(platform, WATCHED)
    by_id = platform not in ("instagram", "threads")
    name = account.platform_account_id if by_id else f"@{account.handle}"
    return watch(deployment.clients.store, workspace, NewWatch(platform, name), deployment.hour, 100).document["_id"]


def rollups(store: Store, period: str) -> dict[str, Document]:
    found = store.db[PUBLIC.rollups[1]].find({"period": period})
    return {row["accountId"]: row["aggregatedMetrics"] for row in found}


def test_own_account_by_the_public_route_is_the_truth_after_a_whole_run(
    there: Deployment, instance: dg.DagsterInstance
) -> None:
    store, world = there.clients.store, there.simulator.world
    began = there.simulator.clock.now()
    for platform in PUBLIC_PLATFORMS:
        others(there, platform)
    daemon = Daemon(there, instance)
    at = datetime.now(there.hour.tzinfo)
    (result,) = daemon.tick("read_watched", at)
    assert result.success
    ended = there.simulator.clock.now()
    days, weeks, months = (rollups(store, period) for period in ("daily", "weekly", "monthly"))
    assert len(days) == 2 * len(PUBLIC_PLATFORMS)
    assert set(days) == set(weeks) == set(months)
    for platform in PUBLIC_PLATFORMS:
        mine = store.watch_lists.of_own(f"own-{platform}")
        assert mine is not None
        assert mine["state"] == "active", mine
        account, field = world.account(platform, OWN), shown_of_others(platform, "account")["followers"].field
        seconds = int((ended - began).total_seconds()) + 2
        true = {truth.account_value(world, account, field, began + timedelta(seconds=n)) for n in range(seconds)}
        assert days[mine["_id"]]["followers"] in true
    metadata = materialized(result, "raw_public")[period_key(today(there))]
    assert (metadata["due"], metadata["read"], metadata["failed"]) == (14, 14, 0)
    assert metadata["usd"] > 0
    assert metadata["dagster/partition_row_count"] == store.db[PUBLIC.log].count_documents({})
    assert all(one.passed for one in result.get_asset_check_evaluations())
    told = str([one.event_specific_data for one in result.all_events])
    assert world.account("instagram", WATCHED).handle not in told, "Dagster keeps its events for months"
    assert daemon.evaluate("late_data") == [], "nothing is left to roll up"


def test_past_day_is_refused_in_one_line(there: Deployment) -> None:
    yesterday = period_key(today(there) - DAY)
    for keys in ([yesterday], [yesterday, period_key(today(there))]):
        result = there.materialize(raw_public, keys)
        assert not result.success
        (failure,) = [one for one in result.all_events if one.is_step_failure]
        assert f"{yesterday} is over, and no platform shows the public numbers of a past day" in str(failure)
    assert there.clients.store.db[PUBLIC.log].count_documents({}) == 0


def test_account_that_has_to_wait_turns_the_check_red_and_is_read_by_the_next_run(there: Deployment) -> None:
    others(there, "bluesky")
    key = period_key(today(there))
    there.simulator.set_faults({"kind": "error", "path": "app.bsky"})
    result = there.materialize(raw_public, [key])
    assert result.success
    evaluation = check_of(result)
    assert (evaluation.passed, evaluation.metadata["accounts_waiting"].value) == (False, 2)
    assert materialized(result)[key]["not_read_by_reason"] == {"provider_error": 2}
    there.simulator.set_faults()
    again = there.materialize(raw_public, [key])
    assert check_passed(again)
    assert materialized(again)[key]["read"] == 2


def test_platform_that_fails_with_an_unforeseen_error_leaves_the_others(
    there: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = WatchedReader.read

    def read(self: WatchedReader, platform: Platform, **more: Any) -> Any:
        if platform == "facebook":
            raise KeyError(platform)
        return real(self, platform, **more)

    monkeypatch.setattr(WatchedReader, "read", read)
    monkeypatch.setattr(public, "RETRIES", dg.RetryPolicy(max_retries=0))
    key = period_key(today(there))
    result = there.materialize(raw_public, [key])
    assert not result.success
    assert materialized(result)[key]["read"] == len(PUBLIC_PLATFORMS) - 1
    assert check_of(result).metadata["accounts_without_record"].value == 0, "none is watched there yet"


def test_run_is_tried_again_while_mongodb_does_not_answer(there: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = WatchedReader.read, iter(range(100))

    def read(self: WatchedReader, platform: Platform, **more: Any) -> Any:
        if next(calls) == 2:
            raise MongoUnavailable("MongoDB does not answer")
        return real(self, platform, **more)

    monkeypatch.setattr(WatchedReader, "read", read)
    monkeypatch.setattr(public, "RETRIES", dg.RetryPolicy(max_retries=1))
    key = period_key(today(there))
    result = there.materialize(raw_public, [key])
    assert result.success
    assert there.clients.store.watch_lists.to_look_at("bluesky", today(there)) == []
    assert len(there.clients.store.public.collections.accounts_with_record(today(there), today(there) + DAY)) == 7


def entered(deployment: Deployment, watched: str, day: datetime, followers: int) -> None:
    """Append an observation of a watched account, as numbers that come late do."""
    row = Observation(
        "w", watched, "bluesky", "account", day, day, {"followers": followers}, "r", "v", source="public"
    )  # fmt: skip
    append_and_mark(deployment.clients.store.public, [Entry("w", [row])])


def test_late_numbers_are_rolled_up_by_the_sensor_of_late_data(there: Deployment, instance: dg.DagsterInstance) -> None:
    daemon, mine = Daemon(there, instance), others(there, "bluesky")
    day = today(there) - 9 * DAY
    entered(there, mine, day, 500)
    (result,) = daemon.evaluate("late_data")
    assert daemon.runs == [("aggregate_late", "")]
    assert list(materialized(result, "public_rollup")) == [period_key(day)]
    for period in ("daily", "weekly", "monthly"):
        assert rollups(there.clients.store, period)[mine]["followers"] == 500
    assert daemon.evaluate("late_data") == []
    entered(there, mine, day + timedelta(hours=5), 501)
    daemon.evaluate("late_data")
    assert rollups(there.clients.store, "monthly")[mine]["followers"] == 501
    assert there.clients.store.public.marks.count() == {}


def test_rollup_that_differs_from_the_log_turns_the_check_red(there: Deployment) -> None:
    mine, day = others(there, "bluesky"), today(there) - DAY
    entered(there, mine, day, 500)
    assert check_passed(there.materialize(public_rollup, [period_key(day)]), "equals_log")
    changed = {"$set": {"aggregatedMetrics.followers": 7}}
    there.clients.store.db[PUBLIC.rollups[1]].update_one({"accountId": mine, "period": "daily"}, changed)
    result = there.materialize(public_rollup, [period_key(day + DAY)])
    evaluation = check_of(result, "equals_log")
    assert (evaluation.passed, evaluation.metadata["differences"].value) == (False, 1)


def test_changed_calendar_rolls_public_numbers_up_again(
    there: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.sensors import requested_work

    monkeypatch.setattr(requested_work, "_LISTEN_SECONDS", 0.0)
    store, daemon, mine = there.clients.store, Daemon(there, instance), others(there, "bluesky")
    day = today(there) - 9 * DAY
    for hour, followers in ((2, 500), (20, 510)):
        entered(there, mine, day + timedelta(hours=hour), followers)
    daemon.evaluate_until_quiet("late_data")
    request_change(store, "w", Calendar("America/New_York", "sunday"))
    daemon.evaluate_until_quiet("requested_work", "late_data")
    version = store.calendars.get("w").current.version
    found = store.db[PUBLIC.rollups[1]].find({"accountId": mine, "period": "daily", "calendarVersion": version})
    # At two in the morning of UTC, it is the evening of the day before in New York.
    assert {row["periodLabel"]: row["aggregatedMetrics"]["followers"] for row in found} == {
        f"{day - DAY:%Y-%m-%d}": 500,
        f"{day:%Y-%m-%d}": 510,
    }
