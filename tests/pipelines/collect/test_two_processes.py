"""Two processes that collect at once keep the budgets together, which they share through Redis."""

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import pytest

from metrics.documents import Platform
from metrics.redis.client import connect
from metrics.redis.events import Announcer
from metrics.settings import PLATFORM_APIS, load_settings
from metrics.store import Store
from pipelines.collect.collector import Collector
from pipelines.platforms.pace import SharedPace
from pipelines.resources import Clients
from tests.pipelines.collect.conftest import NOW, SLOT, Bench

PROCESSES = 2
PINTEREST_UNITS, YOUTUBE_UNITS, THREADS_CALLS, TIKTOK_CALLS = 15, 8, 100, 600
PACED = 400
"""Calls to one endpoint of TikTok that each process makes."""


@dataclass(frozen=True)
class Work:
    """What one process does: the settings, and the accounts to collect by platform."""

    settings: Mapping[str, Any]
    accounts: Mapping[Platform, Sequence[str]]


def work(given: Work, together: Any, told: Any) -> None:
    """Collect platform by platform, at the same time as the other process; tell when calls to TikTok may be sent."""
    settings = load_settings(_env_file=None, **given.settings)
    redis = connect(settings)
    clients = Clients(settings, Store.connect(settings), redis, Announcer(redis))
    collector: Collector = clients.collector()
    for platform, accounts in given.accounts.items():
        together.wait()
        collector.collect(platform, SLOT, run_id="r", now=NOW, account_ids=accounts)
    shared = SharedPace(redis, "tiktok", TIKTOK_CALLS)
    together.wait()
    with pytest.MonkeyPatch.context() as patch:
        # Callers are told how long to wait, and do not.
        patch.setattr("pipelines.platforms.pace.time.sleep", lambda _: None)
        told.put([time.monotonic() + shared.wait("video/list") for _ in range(PACED)])


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("every_post")
def test_two_processes_never_exceed_a_budget_together(bench: Bench) -> None:
    bench.simulator.reset()
    bench.simulator.set_clock(NOW)
    of: list[dict[Platform, list[str]]] = [{}, {}]
    for index in range(2 * 6):
        for platform in ("pinterest", "youtube"):
            of[index % PROCESSES].setdefault(platform, []).append(bench.connect(index, platform=platform)["_id"])
    # One account in two workspaces has one budget, because the platform counts the calls of the account.
    for number, workspace in enumerate(("v", "w")):
        account = bench.connect(8, workspace, "threads", _id=f"threads-{workspace}")
        of[number]["threads"] = [account["_id"]]
    names = ("mongo_url", "mongo_db", "redis_url")
    settings = {name: getattr(bench.settings, name) for name in names} | {
        "secret_keys": ",".join(key.get_secret_value() for key in bench.settings.secret_keys),
        "pinterest_calls_units_per_day": PINTEREST_UNITS,
        "youtube_general_units_per_day": YOUTUBE_UNITS,
        "threads_calls_per_day": THREADS_CALLS,
        **{f"{api}_url": bench.simulator.url for api in PLATFORM_APIS},
    }
    context = get_context("spawn")
    together, told = context.Barrier(PROCESSES, timeout=120), context.Queue()
    processes = [context.Process(target=work, args=(Work(settings, some), together, told)) for some in of]
    for process in processes:
        process.start()
    instants = sorted(instant for _ in processes for instant in told.get(timeout=120))
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    calls = bench.simulator.calls()
    by_kind = calls["byKind"]
    assert sum(by_kind.get(kind, 0) for kind in ("user_account", "pins", "pins/{pin}")) == PINTEREST_UNITS
    assert sum(by_kind.get(kind, 0) for kind in ("channels", "playlistItems", "videos")) == YOUTUBE_UNITS
    threads = bench.simulator.world.account("threads", 8).platform_account_id
    # A part of the budget is kept for calls that are not for single posts.
    assert THREADS_CALLS * 0.9 <= calls["byAccount"][threads] <= THREADS_CALLS
    in_a_minute = max(bisect_left(instants, first + 60) - number for number, first in enumerate(instants))
    assert 0.9 * TIKTOK_CALLS < in_a_minute <= TIKTOK_CALLS
