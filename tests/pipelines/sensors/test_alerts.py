"""Alerts reach a receiver over HTTP: one message each, not one per retry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from pydantic import SecretStr
from redis import Redis

from metrics.documents import AccountDocument, AccountState
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from pipelines.resources import Clients
from pipelines.sensors import alerts, notifications
from pipelines.sensors.alerts import AlertNotSent, alert_needs_reauth, alert_run_failures
from tests.pipelines.sensors.ticks import with_clients
from tests.receiver import Receiver
from tidemark.stack.ports import free_port


@pytest.fixture
def clients(store: Store, redis_client: Redis, settings: Settings, receiver: Receiver) -> Clients:
    with_receiver = settings.model_copy(update={"alert_urls": (SecretStr(receiver.url),)})
    return Clients(with_receiver, store, redis_client, Announcer(redis_client))


def account(name: str, state: AccountState = "needs_reauth") -> AccountDocument:
    return AccountDocument(
        _id=name, workspaceId="w", platform="instagram", platformAccountId=name, handle=f"@{name}", state=state,
        stateReason="the token has expired", connectedAt=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def evaluate(clients: Clients, cursor: str | None) -> str | None:
    with dg.build_sensor_context(cursor=cursor, resources={"tidemark": with_clients(clients)}) as context:
        return alert_needs_reauth.evaluate_tick(context).cursor


def test_accounts_that_wait_are_told_of_once_in_one_message(clients: Clients, receiver: Receiver) -> None:
    clients.store.accounts.put([account("a"), account("b"), account("c", "active")])
    cursor = evaluate(clients, None)
    cursor = evaluate(clients, cursor)
    assert [m["title"] for m in receiver.messages] == ["Tidemark: 2 accounts need to be connected again"]
    assert "@a" in receiver.messages[0]["message"]
    clients.store.accounts.put([account("a", "active")])
    cursor = evaluate(clients, cursor)
    clients.store.accounts.put([account("a")])
    evaluate(clients, cursor)
    assert len(receiver.messages) == 2


def test_alert_that_nobody_took_is_sent_again(clients: Clients, receiver: Receiver) -> None:
    clients.store.accounts.put([account("a")])
    receiver.refuses = True
    with pytest.raises(AlertNotSent, match="sent again"):
        evaluate(clients, None)
    receiver.refuses = False
    evaluate(clients, None)
    assert len(receiver.messages) == 1


@pytest.mark.parametrize("cursor", [None, "", "{", "7", '["a", 3]'])
def test_broken_cursor_is_read_as_far_as_it_goes(cursor: str | None) -> None:
    assert notifications.alerted_accounts(cursor) <= {"a"}


def test_failing_run_is_told_of_once_whatever_the_retries(clients: Clients, receiver: Receiver) -> None:
    @dg.op
    def breaks() -> None:
        raise ValueError("MongoDB does not answer")

    @dg.job(partitions_def=dg.StaticPartitionsDefinition(["2026-01-15"]))
    def doomed() -> None:
        breaks()

    with dg.instance_for_test() as instance:
        for tags in ({"dagster/will_retry": "true"}, {"tidemark/operation": "op_1"}, {}, {}):
            result = doomed.execute_in_process(
                raise_on_error=False, instance=instance, partition_key="2026-01-15", tags=tags
            )
            context = dg.build_run_status_sensor_context(
                "alert_run_failures", result.get_run_failure_event(), instance, result.dagster_run
            ).for_run_failure()
            alert_run_failures(context, tidemark=with_clients(clients))
    assert [m["title"] for m in receiver.messages] == ["Tidemark: doomed 2026-01-15 failed"]
    assert "breaks: ValueError: MongoDB does not answer" in receiver.messages[0]["message"]


def failed_runs(clients: Clients, instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    """Evaluate the sensor as the daemon does; return the cursor that the daemon would store."""
    with dg.build_sensor_context(instance, cursor=cursor, resources={"tidemark": with_clients(clients)}) as context:
        return alert_run_failures.evaluate_tick(context).cursor


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2026-01-15"]))
def torn(context: dg.AssetExecutionContext) -> None:
    raise ValueError("broken")


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2026-01-15"]))
def worn(context: dg.AssetExecutionContext) -> None:
    raise ValueError("broken too")


def fail(instance: dg.DagsterInstance, asset: str) -> None:
    """Let a run of one asset fail that was launched without a job, as from the asset graph."""
    job = dg.Definitions([torn, worn]).resolve_implicit_global_asset_job_def()
    job.execute_in_process(
        instance=instance, partition_key="2026-01-15", asset_selection=[dg.AssetKey(asset)], raise_on_error=False
    )


def test_failed_run_that_nobody_was_told_of_is_told_later(clients: Clients, receiver: Receiver) -> None:
    with dg.instance_for_test() as instance:
        begun = failed_runs(clients, instance, None)
        fail(instance, "torn")
        receiver.refuses = True
        with pytest.raises(AlertNotSent, match="sent again"):
            failed_runs(clients, instance, begun)
        receiver.refuses = False
        after = failed_runs(clients, instance, begun)
        assert failed_runs(clients, instance, after) == after
    assert [m["title"] for m in receiver.messages] == ["Tidemark: torn 2026-01-15 failed"]


def test_failed_run_that_nobody_could_be_told_of_for_long_is_given_up(
    clients: Clients, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.refuses = True
    monkeypatch.setattr(alerts, "_SENT_AGAIN", timedelta(0))
    with dg.instance_for_test() as instance:
        begun = failed_runs(clients, instance, None)
        fail(instance, "torn")
        assert failed_runs(clients, instance, begun) != begun, "it holds up no later one"


def test_assets_launched_without_a_job_are_told_of_by_name_and_each_for_itself(
    clients: Clients, receiver: Receiver
) -> None:
    with dg.instance_for_test() as instance:
        cursor = failed_runs(clients, instance, None)
        for asset in ("torn", "worn"):
            fail(instance, asset)
        for _ in range(2):
            cursor = failed_runs(clients, instance, cursor)
    assert [m["title"] for m in receiver.messages] == [
        "Tidemark: torn 2026-01-15 failed",
        "Tidemark: worn 2026-01-15 failed",
    ]


def test_receiver_that_is_away_repeats_no_alert_to_the_others(clients: Clients, receiver: Receiver) -> None:
    nobody = SecretStr(f"json://127.0.0.1:{free_port()}/")
    both = replace(
        clients, settings=clients.settings.model_copy(update={"alert_urls": (nobody, SecretStr(receiver.url))})
    )
    clients.store.accounts.put([account("a")])
    evaluate(both, evaluate(both, None))
    assert len(receiver.messages) == 1
