"""Webserver, daemon and code server as `tidemark up` starts them, driven as an engineer and the API's users do.

Backfills, a flood of requests and the death of the daemon happen at the same time; then everything has to be there.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import psutil
import pytest
from pydantic import SecretStr

from metrics.documents import PLATFORMS, Observation
from metrics.periods import DAY, HOUR, Period, midnight, period_end, period_start
from metrics.settings import load_settings
from metrics.store import Store
from metrics.vault import Vault, generate_secret_key
from pipelines.collect.observe import last_slot
from pipelines.partitions import period_key, slot_key
from pipelines.runs.tags import BACKFILL, OPERATION
from simulator.registry import new_world
from simulator.twitter.world import shown
from tests.dagster_api import DagsterApi
from tests.pipelines.rollup.reference import Reference
from tests.receiver import Receiver
from tests.stack import Stack
from tests.truth import same, truth_of, with_what_was_collected
from tests.waiting import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.long, pytest.mark.timeout(600)]
WORKSPACE = "/analytics/workspace/demo-north"
RAW = tuple(f"raw_{platform}" for platform in PLATFORMS)
ENDED = ("succeeded", "partial", "failed")


@dataclass(frozen=True)
class Outage:
    """A stack whose rollups of a week are gone, and every observation of one of its days."""

    stack: Stack
    dagster: DagsterApi
    store: Store
    vault: Vault
    receiver: Receiver
    truth: Reference
    lost: datetime
    days: list[datetime]
    backfills: list[str]
    operations: list[str]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def key() -> str:
    return generate_secret_key()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver, key: str) -> Iterator[Stack]:
    environment = {"TIDEMARK_SECRET_KEYS": key, "TIDEMARK_ALERT_URLS": receiver.url}
    made = Stack(tmp_path_factory.mktemp("up"), "--days", "11", "--workspaces", "1", **environment)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def outage(stack: Stack, receiver: Receiver, key: str) -> Iterator[Outage]:
    store, truth = Store.connect(load_settings(mongo_url=stack.up["mongo"])), truth_of(stack)
    today = midnight(truth.now.date())
    days = [today - back * DAY for back in range(10, 3, -1)]
    dagster, vault = DagsterApi(stack.up["dagster"]), Vault([SecretStr(key)])
    made = Outage(stack, dagster, store, vault, receiver, truth, days[3], days, [], [])
    lose(made)
    made.backfills.extend(launch(made))
    made.operations.extend(request(made))
    until(lambda: bool(store.operations.find(["running"])), 240)
    daemon_of(stack).kill()
    yield made
    store.close()


def daemon_of(stack: Stack) -> psutil.Process:
    for process in psutil.Process(stack.process.pid).children():
        # Others may end while they are looked at.
        with suppress(psutil.Error):
            if "dagster._daemon" in process.cmdline():
                return process
    raise AssertionError("no daemon runs")


def lose(outage: Outage) -> None:
    """Take the day's observations away, and the rollups of the seven days around it."""
    kept = [o for o in outage.truth.observations if o.slot.date() != outage.lost.date()]
    outage.store.db["metrics"].delete_many({"metadata.workspaceId": "demo-north"})
    outage.store.observations.append(kept)
    # Only the numbers that platforms give for their own days can still be read.
    told = [
        o for o in outage.truth.observations
        if o.slot == last_slot(outage.lost.date()) and o.post_id is None and "followers" not in o.metrics
    ]  # fmt: skip
    outage.truth.observations = [*kept, *told, impressions(outage, outage.lost.date())]
    for collection in (outage.store.rollups.subjects, outage.store.rollups.accounts):
        collection.delete_many({"period": "daily", "periodStart": {"$in": outage.days}})


def impressions(outage: Outage, day: date) -> Observation:
    """X's impressions of a day, which only a backfill asks for."""
    world, start = new_world(), midnight(day)
    account = next(a for a in outage.truth.accounts if a["platform"] == "twitter")
    sim = world.account("twitter", 0)
    posts = [p for p in world.posts(sim, start - timedelta(days=90), start + DAY) if p.visible(outage.truth.now)]
    total = sum(shown(world, post, start, start + DAY) for post in posts)
    return Observation(
        "demo-north", account["_id"], "twitter", "account", last_slot(day), outage.truth.now,
        {"accountImpressions": total}, "truth", "2",
    )  # fmt: skip


def launch(outage: Outage) -> list[str]:
    """Backfill the chain from the lost hours to the month, and the seven days."""
    lost, days = outage.lost, outage.days
    week, month = period_start("weekly", lost), period_start("monthly", lost)
    periods = {"daily_rollup": lost, "weekly_rollup": week, "monthly_rollup": month}
    chain = {asset: (slot_key(lost), slot_key(lost + 23 * HOUR)) for asset in RAW}
    chain |= {asset: (period_key(start), period_key(start)) for asset, start in periods.items()}
    seven = {"daily_rollup": (period_key(days[0]), period_key(days[-1]))}
    return [outage.dagster.backfill(chain), outage.dagster.backfill(seven)]


def request(outage: Outage) -> list[str]:
    """Ask the API for twenty operations, as fast as it takes them."""
    paths = [f"{WORKSPACE}/collect", *(f"/analytics/account/{a['_id']}/collect" for a in outage.truth.accounts)]
    today = midnight(outage.truth.now.date())
    periods: dict[str, list[int]] = {"daily": list(range(12)), "weekly": [0, 7], "monthly": [0]}
    paths += [
        f"{WORKSPACE}/aggregate/{period}?date={today - back * DAY:%Y-%m-%d}"
        for period, backs in periods.items() for back in backs
    ]  # fmt: skip
    answers = [outage.stack.client.post(path) for path in paths]
    assert [answer.status_code for answer in answers] == [202] * 20
    return [answer.json()["data"]["operationId"] for answer in answers]


def test_requests_and_backfills_are_carried_out_though_the_daemon_was_killed(outage: Outage) -> None:
    until(lambda: all(outage.store.operations.get(one)["state"] in ENDED for one in outage.operations), 300)
    assert {outage.store.operations.get(one)["state"] for one in outage.operations} == {"succeeded"}
    # A run that could not be started is made again by the daemon; the work itself is done once.
    done = [[run["status"] for run in outage.dagster.tagged(OPERATION, one)] for one in outage.operations]
    assert [statuses.count("SUCCESS") for statuses in done] == [1] * 20
    chain, seven = outage.backfills
    until(lambda: outage.dagster.backfill_status(seven) == "COMPLETED_SUCCESS", 200)
    # Hours, then the day that holds them.
    until(lambda: [r["status"] for r in outage.dagster.tagged(BACKFILL, chain)].count("SUCCESS") >= 2, 200)
    until(lambda: not outage.store.marks.count(), 200)
    assert_hours_are_true(outage)
    assert_rollups_are_true(outage, [("daily", day) for day in outage.days])


def test_backfill_of_hours_day_week_and_month_in_a_row_equals_the_truth(outage: Outage) -> None:
    def done() -> bool:
        statuses = {outage.dagster.backfill_status(one) for one in outage.backfills}
        assert not statuses & {"FAILED", "CANCELED", "COMPLETED_FAILED"}, statuses
        return statuses == {"COMPLETED_SUCCESS"} and not outage.store.marks.count()

    until(done, 400)
    assert_hours_are_true(outage)
    week, month = (period_start(period, outage.lost) for period in ("weekly", "monthly"))
    assert_rollups_are_true(outage, [("daily", outage.lost), ("weekly", week), ("monthly", month)])


def assert_hours_are_true(outage: Outage) -> None:
    """Of the lost hours there is again what the platforms tell of them, and nothing else."""
    said = [o for o in outage.truth.observations if outage.lost <= o.slot < outage.lost + DAY]
    assert {o.platform for o in said} >= {"instagram", "linkedin", "twitter"}
    for one in said:
        rows = outage.store.observations.page({"accountId": one.account_id}, outage.lost, outage.lost + DAY, limit=100)
        assert [row["metrics"] for row in rows if row["metadata"]["accountId"] == one.account_id] == [one.metrics]


def assert_rollups_are_true(outage: Outage, periods: Sequence[tuple[Period, datetime]]) -> None:
    """Rollups equal those derived by brute force from what was observed."""
    truth = with_what_was_collected(outage.truth, outage.store)
    for period, start in periods:
        found = {
            r["accountId"]: r for r in outage.store.rollups.accounts.find({"period": period, "periodStart": start})
        }
        for account in truth.accounts:
            expected = truth.account(account["_id"], start, period_end(period, start), period)
            assert expected is not None
            given = found[account["_id"]]
            for name, value in expected["aggregatedMetrics"].items():
                assert same(given["aggregatedMetrics"].get(name), value), (period, start, account["platform"], name)
            if period == "daily":
                assert given["coverage"] == expected["coverage"]


@pytest.mark.parametrize(
    ("partition", "remedy"),
    [
        ("2999-01-01", "has not begun: the newest"),
        ("2023-12-31", "before the partitions definition start time 2024-01-01"),
    ],
)
def test_partition_that_does_not_exist_fails_in_the_ui_with_the_remedy(
    outage: Outage, partition: str, remedy: str
) -> None:
    run = outage.dagster.launch("aggregate_daily", ["daily_rollup"], partition)
    until(lambda: outage.dagster.status(run) == "FAILURE", 240)
    assert remedy in outage.dagster.reason(run)


def test_dead_token_and_failing_hour_are_told_of_once_each(outage: Outage) -> None:
    account = next(a for a in outage.truth.accounts if a["platform"] == "twitter")["_id"]
    dead = outage.vault.seal({"access_token": "sim.twitter.0.never-given-out"}, account)
    outage.store.accounts.set_credentials(account, dead)
    hour = slot_key(datetime.now(outage.lost.tzinfo))[:14] + "00"
    run = outage.dagster.launch("collect_hourly", ["raw_twitter"], hour)
    until(lambda: outage.dagster.status(run) == "FAILURE", 240)
    assert "every account failed" in outage.dagster.reason(run)
    titles = (f"Tidemark: collect_hourly {hour} failed", "Tidemark: 1 account needs to be connected again")
    until(lambda: all(title in [m["title"] for m in outage.receiver.messages] for title in titles), 240)
    told = [m["title"] for m in outage.receiver.messages]
    assert [told.count(title) for title in titles] == [1, 1]
    assert "never-given-out" not in str(outage.receiver.messages)
