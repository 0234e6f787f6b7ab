"""Partitions of rollups: one run covers a range, and materialises each period as soon as it is written."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from metrics.documents import Observation
from metrics.periods import DAY, HOUR, midnight
from metrics.store.workspace_settings import Days
from pipelines.assets import rollups
from pipelines.assets.rollups import rollup_asset
from pipelines.partitions import period_key
from pipelines.rollup import RollReport, roll
from tests.pipelines.deployment import Deployment, check_of, check_passed, materialized

DAILY = rollup_asset("daily")


def with_gaps(result: dg.ExecuteInProcessResult) -> object:
    """The periods that the check calls incomplete."""
    return with_gaps_of(check_of(result))


def with_gaps_of(check: dg.AssetCheckEvaluation) -> object:
    return check.metadata["periods_with_gaps"].value


def days(deployment: Deployment) -> list[str]:
    """Observe followers once a day; return the keys of today and the two days before."""
    account = deployment.connect(0)
    today = midnight(deployment.hour.date())
    for back in range(3):
        slot = today - back * DAY
        observation = Observation(
            "w", account["_id"], "instagram", "account", slot, slot + timedelta(hours=1), {"followers": 9}, "r", "v1"
        )
        deployment.clients.store.observations.append([observation])
    return [period_key(today - back * DAY) for back in (2, 1, 0)]


def test_range_is_one_run_with_a_materialisation_and_numbers_per_day(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    keys = days(deployment)
    result = deployment.materialize(DAILY, keys, instance)
    found = materialized(result)
    assert list(found) == keys
    assert {metadata["accounts"] for metadata in found.values()} == {1}
    assert found[keys[1]]["complete_percent"] == pytest.approx(100 / 24, abs=0.01)
    assert found[keys[1]]["periods_before"].count("·") == 26
    assert not check_passed(result)


def test_what_a_run_had_written_before_it_failed_stays_materialised_and_the_next_run_mends_the_rest(
    deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = days(deployment)

    def breaks(store: Any, period: Any, starts: Any, **options: Any) -> RollReport:
        if period_key(starts[0]) == keys[1]:
            raise dg.Failure("MongoDB does not answer", allow_retries=False)
        return roll(store, period, starts, **options)

    with monkeypatch.context() as patch:
        patch.setattr(rollups, "roll", breaks)
        assert not deployment.materialize(DAILY, keys, instance).success
    assert DAILY.partitions_def is not None
    status = instance.get_status_by_partition(DAILY.key, keys, DAILY.partitions_def)
    assert status is not None
    assert [str(status[key]).rsplit(".")[-1] for key in keys] == ["MATERIALIZED", "FAILED", "FAILED"]
    assert list(materialized(deployment.materialize(DAILY, keys[1:], instance))) == keys[1:]
    assert deployment.clients.store.rollups.accounts.count_documents({"period": "daily"}) == 3


def test_day_older_than_kept_stays_as_it_is_and_says_so(deployment: Deployment) -> None:
    key = period_key(midnight(deployment.hour.date()) - 40 * DAY)
    deployment.connect(0, connectedAt=deployment.hour - 90 * DAY)
    deployment.clients.store.retention.set("w", Days(observations=30))
    result = deployment.materialize(DAILY, [key])
    assert materialized(result)[key]["workspaces_left_as_they_are"] == 1
    assert with_gaps(result) == period_key(midnight(deployment.hour.date()) - DAY), "nothing is said of that day"


def test_workspace_that_no_longer_keeps_a_day_does_not_hide_the_silent_accounts_of_others(
    deployment: Deployment,
) -> None:
    key = period_key(midnight(deployment.hour.date()) - 40 * DAY)
    deployment.connect(0, connectedAt=deployment.hour - 90 * DAY)
    deployment.connect(1, workspaceId="other", connectedAt=deployment.hour - 90 * DAY)
    deployment.connect(2, workspaceId="other", state="paused", connectedAt=deployment.hour - 90 * DAY)
    slot = midnight(deployment.hour.date()) - 40 * DAY
    for account_id in ("a0", "a2"):
        workspace_id = "w" if account_id == "a0" else "other"
        observation = Observation(
            workspace_id, account_id, "instagram", "account", slot, slot + HOUR, {"followers": 9}, "r", "v1"
        )
        deployment.clients.store.observations.append([observation])
    deployment.clients.store.retention.set("w", Days(observations=30))
    check = check_of(deployment.materialize(DAILY, [key]))
    yesterday = period_key(midnight(deployment.hour.date()) - DAY)
    assert with_gaps_of(check) == f"{yesterday}, {key}"
    assert check.metadata["without_observation"].value == "a0, a1"


def test_day_of_which_nothing_was_observed_is_not_complete(deployment: Deployment) -> None:
    yesterday = midnight(deployment.hour.date()) - DAY
    deployment.connect(0, connectedAt=yesterday - DAY / 2)
    before = period_key(yesterday - DAY)
    result = deployment.materialize(DAILY, [before])
    assert with_gaps(result) == f"{period_key(yesterday)}, {before}"
    assert not check_passed(result)


def test_good_old_day_does_not_turn_the_check_green_while_yesterday_has_gaps(deployment: Deployment) -> None:
    _, yesterday, today = days(deployment)
    deployment.materialize(DAILY, [yesterday])
    before_it_was_connected = period_key(midnight(deployment.hour.date()) - 9 * DAY)
    for key in (before_it_was_connected, today):
        result = deployment.materialize(DAILY, [key])
        assert not check_passed(result)
        assert with_gaps(result) == yesterday


def test_check_is_green_where_no_period_that_ended_has_gaps(deployment: Deployment) -> None:
    deployment.connect(0, connectedAt=deployment.hour)
    assert check_passed(deployment.materialize(DAILY, [period_key(midnight(deployment.hour.date()))]))


def test_rollups_of_accounts_that_are_paused_do_not_make_up_for_active_ones_without(deployment: Deployment) -> None:
    days(deployment)
    deployment.connect(0, state="paused", connectedAt=deployment.hour - 20 * DAY)
    deployment.connect(1, connectedAt=deployment.hour - 20 * DAY)
    deployment.connect(2, connectedAt=deployment.hour)
    yesterday = period_key(midnight(deployment.hour.date()) - DAY)
    check = check_of(deployment.materialize(DAILY, [yesterday]))
    assert check.metadata["accounts_without_observation"].value == 1
    deployment.clients.store.accounts.disconnect("a1", deployment.hour - 10 * DAY)
    assert check_of(deployment.materialize(DAILY, [yesterday])).metadata["accounts_without_observation"].value == 0
