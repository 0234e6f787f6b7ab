"""Histories in Dagster: a connection leads to a run, unfinished histories to another one, and days are rolled up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from metrics.clock import utcnow
from metrics.collection.histories import request_histories
from metrics.documents import AccountDocument, History
from pipelines.runs.attempts import may_run
from pipelines.runs.tags import HISTORY
from pipelines.sensors import requested_work
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment

RUN = {HISTORY: "true"}


@pytest.fixture
def daemon(deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setattr(requested_work, "_LISTEN_SECONDS", 0.0)
    return Daemon(deployment.having(retention_days=40, history_posts_days=20), instance)


def connect(daemon: Daemon, **fields: Any) -> AccountDocument:
    """Connect an account now, which requests its history."""
    account = daemon.deployment.connect(3, platform="linkedin", connectedAt=utcnow(), **fields)
    request_histories(daemon.deployment.clients.store, [account])
    return account


def history(daemon: Daemon, account: AccountDocument) -> History:
    found = daemon.deployment.clients.store.memories.history(account["_id"])
    assert found is not None
    return found


def keep(daemon: Daemon, account: AccountDocument, **fields: Any) -> None:
    changed: Any = {**history(daemon, account), **fields}
    assert daemon.deployment.clients.store.memories.keep_history(account["_id"], changed)


def test_connection_leads_to_a_run_and_its_days_are_rolled_up(daemon: Daemon) -> None:
    account, store = connect(daemon), daemon.deployment.clients.store
    (result,) = daemon.evaluate("requested_work")
    assert result.success
    assert daemon.runs == [("collect_history", "")]
    operation = store.operations.get(history(daemon, account)["operationId"])
    assert (operation["state"], operation["runId"]) == ("succeeded", result.run_id)
    assert operation["accounts"] == {"ok": 1, "failed": 0, "skipped": 0}
    daemon.evaluate_until_quiet("late_data")
    old = datetime.now(UTC) - timedelta(days=10)
    days = list(
        store.rollups.accounts.find({"accountId": account["_id"], "period": "daily", "periodEnd": {"$lt": old}})
    )
    assert len(days) > 15
    assert {(day["coverage"]["expectedSlots"], day["status"]) for day in days} == {(0, "complete")}
    weeks = store.rollups.accounts.count_documents({"accountId": account["_id"], "period": "weekly"})
    assert weeks >= 4
    assert daemon.evaluate("requested_work") == []


def test_run_says_what_it_read(daemon: Daemon) -> None:
    account = connect(daemon)
    (result,) = daemon.evaluate("requested_work")
    (event,) = [one for one in result.all_node_events if one.event_type_value == "STEP_OUTPUT"]
    metadata = {name: value.value for name, value in event.step_output_data.metadata.items()}
    read = history(daemon, account)
    assert (metadata["posts"], metadata["days"]) == (read["posts"]["done"], read["days"]["done"])
    assert (metadata["accounts_done"], metadata["calls"]) == (1, read["calls"])
    messages = [entry.user_message for entry in daemon.instance.all_logs(result.run_id)]
    assert any(f"operation {read['operationId']}: succeeded" in line for line in messages)


def test_failure_of_an_account_is_said_and_fails_no_run(daemon: Daemon) -> None:
    account = connect(daemon)
    daemon.deployment.simulator.set_faults({"kind": "expired_token"})
    (result,) = daemon.evaluate("requested_work")
    assert result.success
    (event,) = [one for one in result.all_node_events if one.event_type_value == "STEP_OUTPUT"]
    assert event.step_output_data.metadata["failures_total"].value == 1
    logged = [entry.user_message for entry in daemon.instance.all_logs(result.run_id)]
    shown = " ".join((str(event.step_output_data.metadata), *logged))
    assert account["_id"] in shown
    assert account["platformAccountId"] not in shown


def test_pause_is_waited_for_and_the_next_run_goes_on(daemon: Daemon) -> None:
    account = connect(daemon)
    keep(daemon, account, resumesAt=utcnow() + timedelta(minutes=5))
    assert daemon.evaluate("requested_work") == []
    keep(daemon, account, resumesAt=utcnow() - timedelta(seconds=1))
    assert len(daemon.evaluate("requested_work")) == 1
    assert history(daemon, account)["state"] == "done"


def test_operation_whose_account_was_erased_is_finished(daemon: Daemon) -> None:
    account, store = connect(daemon), daemon.deployment.clients.store
    operation = history(daemon, account)["operationId"]
    store.db["reading_memory"].delete_many({})
    assert daemon.evaluate("requested_work") == []
    assert store.operations.get(operation)["state"] == "succeeded"


@pytest.mark.parametrize("status", [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTED])
def test_one_run_at_a_time(daemon: Daemon, status: DagsterRunStatus) -> None:
    connect(daemon)
    create_run_for_test(daemon.instance, job_name="collect_history", status=status, tags=RUN)
    assert daemon.evaluate("requested_work") == []


def test_run_that_failed_is_followed_by_another_after_a_while(daemon: Daemon) -> None:
    now = utcnow()
    for number, minutes in enumerate((2, 4, 8), start=1):
        run = create_run_for_test(daemon.instance, job_name="collect_history", tags=RUN)
        daemon.instance.report_run_failed(run)
        assert not may_run(daemon.instance, HISTORY, now + timedelta(minutes=minutes - 1)), number
        assert may_run(daemon.instance, HISTORY, now + timedelta(minutes=minutes + 1)), number
    run = create_run_for_test(daemon.instance, job_name="collect_history", status=DagsterRunStatus.SUCCESS, tags=RUN)
    assert may_run(daemon.instance, HISTORY, now)
