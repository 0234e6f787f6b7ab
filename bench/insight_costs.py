"""Benchmark of what insights cost: CPU seconds, seconds, memory and documents of each asset for 1,000 accounts.

    python bench/insight_costs.py [--accounts 1000] [--only account_forecasts,anomalies]

It starts a MongoDB of its own and fills it with made-up accounts, ten to a workspace, of three metrics each: 400 days
of rollups, thirteen weeks of hours, a post every two days for 180 days, a day of log with the posts that are young, and
what earlier runs said. Then each asset is made once in a process of its own, as a run of its partition makes it. The
time that Dagster and the start of a process take is not in the figures. `CPU s` is that of the pipeline, `MongoDB` that
of the server meanwhile. A year's backfill is extrapolated: CPU seconds of both for one partition, times the partitions
of a year, in minutes.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])

import numpy as np

from bench.support.memory import peak
from bench.support.servers import servers
from metrics.catalog import DEFINITION_VERSION
from metrics.clock import utcnow
from metrics.documents import AccountDocument, Observation, PostDocument
from metrics.forecasts import WINDOW
from metrics.periods import DAY, HOUR, period_start
from metrics.post_curves import FINAL_AGE, POINTS
from metrics.settings import load_settings
from metrics.store import Store
from metrics.store.insights.hourly_nets import nets_id
from pipelines.insights.posts.curves import is_open

TODAY = period_start("weekly", utcnow())
"""The newest Monday, for MongoDB deletes what is too old; the day before it is the newest that has ended."""
YESTERDAY = TODAY - DAY
BAR_CPU_SECONDS, BAR_MEGABYTES = 60.0, 150.0
"""The bars of `account_forecasts` for 1,000 accounts, in a process of its own."""
PER_WORKSPACE, DAYS, WEEKS_OF_HOURS, DAYS_OF_POSTS = 10, 400, 13, 180
_ROWS = 5_000
_Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one partition of an asset cost; `megabytes` is the peak of its process, `before` that before it began."""

    cpu: float
    seconds: float
    mongo: float
    megabytes: float
    before: float
    documents: int


@dataclass(frozen=True, slots=True)
class Task:
    """A partition to measure, how many of them a day and a year of backfill have, and the collections it writes."""

    make: Callable[[Store], object]
    per_day: float
    per_year: int
    collections: tuple[str, ...]


def _models(store: Store) -> object:
    from pipelines.insights.forecasts.challenger.train import train

    return train(store, TODAY, now=TODAY + 5 * HOUR, run_id="bench").summary()


def _forecasts(store: Store) -> object:
    from pipelines.insights.forecasts.make import make

    return make(store, YESTERDAY, now=TODAY + 6 * HOUR, run_id="bench").summary()


def _hourly_forecasts(store: Store) -> object:
    from pipelines.insights.forecasts.make_hours import make_hours

    return make_hours(store, TODAY - WINDOW, now=TODAY + HOUR, run_id="bench").summary()


def _anomalies(store: Store, *, now: datetime) -> object:
    from pipelines.insights.anomalies.make import find

    return find(store, YESTERDAY, now=now, run_id="bench").summary()


def _outlooks(store: Store, *, until: datetime) -> object:
    from pipelines.insights.posts.make_outlooks import make_outlooks

    return make_outlooks(store, until, now=until + timedelta(minutes=35), run_id="bench").summary()


def _outlooks_of_a_day(store: Store) -> object:
    from pipelines.insights.posts.make_outlooks import make_outlooks
    from pipelines.insights.posts.outlook_models import OutlookModels

    models, hours = OutlookModels(), [YESTERDAY + n * HOUR for n in range(1, 25)]
    said = [make_outlooks(store, until, now=TODAY + DAY, run_id="bench", models=models).made for until in hours]
    return f"{sum(said)} outlooks"


def _decay(store: Store) -> object:
    from metrics.content_decay import MODEL
    from pipelines.insights.posts.say_decay import say_decay
    from pipelines.insights.posts.statements import make_statements

    return make_statements(
        store, store.content_decay, YESTERDAY, age=FINAL_AGE, model=MODEL, say=say_decay, now=TODAY + 6 * HOUR,
        run_id="bench",
    ).summary()  # fmt: skip


def _best_times(store: Store) -> object:
    from metrics.best_times import AGE, MODEL
    from pipelines.insights.posts.say_best_times import say_best_times
    from pipelines.insights.posts.statements import make_statements

    return make_statements(
        store, store.best_times, YESTERDAY, age=AGE, model=MODEL, say=say_best_times, now=TODAY + 6 * HOUR,
        run_id="bench",
    ).summary()  # fmt: skip


_FOUND = ("anomalies", "hourly_nets", "watched_series")
TASKS: Mapping[str, Task] = {
    # The first training makes twelve models, a later one two.
    "forecast_models": Task(_models, 1 / 7, 52, ("forecast_models",)),
    "account_forecasts": Task(_forecasts, 1, 365, ("forecasts", "workspace_forecasts")),
    "hourly_forecasts": Task(_hourly_forecasts, 4, 4 * 365, ("hourly_forecasts", "workspace_hourly_forecasts")),
    # A day that is under way is not backfilled.
    "anomalies by hour": Task(partial(_anomalies, now=YESTERDAY + 12 * HOUR), 24, 0, _FOUND),
    "anomalies by day": Task(partial(_anomalies, now=TODAY + 6 * HOUR), 3, 365, _FOUND),
    # Of each post, the hour before has said all that was due.
    "outlooks before": Task(partial(_outlooks, until=TODAY - HOUR), 0, 0, ("post_outlooks",)),
    "post_outlooks": Task(partial(_outlooks, until=TODAY), 24, 0, ("post_outlooks", "post_curves")),
    # A backfill fits the models of a day once.
    "outlooks of a day": Task(_outlooks_of_a_day, 0, 365, ("post_outlooks", "post_curves")),
    "content_decay": Task(_decay, 1, 365, ("content_decay",)),
    "best_times": Task(_best_times, 1 / 7, 52, ("best_times",)),
}


def fill(store: Store, accounts: int) -> None:
    """Write what the assets read of so many accounts."""
    random = np.random.default_rng(1)
    names = [(f"w{number // PER_WORKSPACE}", f"a{number}") for number in range(accounts)]
    store.accounts.put([_account(*name) for name in names])
    for rows in (_rollups(names, random), _nets(names, random), _posts(names), _curves(names, random)):
        for some in batched_rows(rows):
            collection = some[0].pop("in")
            for row in some[1:]:
                del row["in"]
            store.db[collection].insert_many(some, ordered=False)
    store.observations.append(_log(names))


def batched_rows(rows: _Rows) -> Iterator[list[dict[str, Any]]]:
    """Yield rows in lists of some thousands."""
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == _ROWS:
            yield some
            some = []
    if some:
        yield some


def _account(workspace_id: str, account_id: str) -> AccountDocument:
    return {
        "_id": account_id, "workspaceId": workspace_id, "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": TODAY - (DAYS + 1) * DAY,
    }  # fmt: skip


def _rollups(names: list[tuple[str, str]], random: np.random.Generator) -> _Rows:
    weekday = 1 + 0.3 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    for workspace_id, account_id in names:
        scale = random.uniform(200, 3000)
        engagement, views = random.poisson(scale * weekday), random.poisson(10 * scale * weekday)
        followers = 10_000 + np.cumsum(random.poisson(5, DAYS))
        for number in range(DAYS):
            start = TODAY - (DAYS - number) * DAY
            yield {
                "in": "aggregated_metrics", "_id": f"{account_id}|daily|{start:%Y-%m-%d}", "workspaceId": workspace_id,
                "accountId": account_id, "platform": "instagram", "period": "daily", "periodStart": start,
                "periodEnd": start + DAY, "periodLabel": f"{start:%Y-%m-%d}", "calendarVersion": 0,
                "aggregatedMetrics": {
                    "totalEngagement": int(engagement[number]), "totalViews": int(views[number]),
                    "followers": int(followers[number]),
                },
                "unavailable": {}, "coverage": {"expectedSlots": 24, "observedSlots": 24}, "status": "complete",
                "definitionVersion": DEFINITION_VERSION, "computedAt": start + DAY, "runId": "bench",
            }  # fmt: skip


def _nets(names: list[tuple[str, str]], random: np.random.Generator) -> _Rows:
    days = WEEKS_OF_HOURS * 7
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(days * 24) / 24)
    for workspace_id, account_id in names:
        scale = random.uniform(12, 125)
        engagement, views = random.poisson(scale * season), random.poisson(10 * scale * season)
        gained = random.poisson(0.3, days * 24)
        followers = 10_000 + np.cumsum(gained)
        for number in range(days):
            day, hours = TODAY - (days - number) * DAY, slice(number * 24, number * 24 + 24)
            yield {
                "in": "hourly_nets", "_id": nets_id(account_id, day), "workspaceId": workspace_id,
                "accountId": account_id, "day": day, "observed": list(range(24)),
                "nets": {
                    "totalEngagement": engagement[hours].tolist(), "totalViews": views[hours].tolist(),
                    "followers": gained[hours].tolist(),
                },
                "followers": followers[hours].tolist(), "definitionVersion": DEFINITION_VERSION,
            }  # fmt: skip


def _published(number: int, post: int) -> datetime:
    return TODAY - 2 * post * DAY - timedelta(minutes=(number * 97 + post * 331) % 1440)


def _posts(names: list[tuple[str, str]]) -> _Rows:
    for number, (workspace_id, account_id) in enumerate(names):
        for post in range(DAYS_OF_POSTS // 2):
            document: PostDocument = {
                "_id": f"{account_id}p{post}", "workspaceId": workspace_id, "accountId": account_id,
                "platform": "instagram", "platformPostId": str(post), "metricType": "post", "contentType": "image",
                "publishedAt": _published(number, post),
            }  # fmt: skip
            yield {"in": "posts", **document}


def _curves(names: list[tuple[str, str]], random: np.random.Generator) -> _Rows:
    for number, (workspace_id, account_id) in enumerate(names):
        for post in range(DAYS_OF_POSTS // 2):
            published, final = _published(number, post), random.lognormal(5, 0.8)
            age = (TODAY - HOUR - published) / HOUR
            values = [
                None if point > age else round(final * (1 - math.exp(-point / 14)) * random.uniform(0.9, 1.1), 3)
                for point in POINTS
            ]
            ahead = [point for point in POINTS if is_open((), point, age)]
            yield {
                "in": "post_curves", "_id": f"{account_id}p{post}", "workspaceId": workspace_id,
                "accountId": account_id, "platform": "instagram", "metricType": "post", "publishedAt": published,
                "values": values, "definitionVersion": DEFINITION_VERSION,
                **({"dueAt": published + timedelta(hours=ahead[0])} if ahead else {}),
            }  # fmt: skip


def _log(names: list[tuple[str, str]]) -> Iterator[Observation]:
    for hour in range(-1, 24):
        slot = YESTERDAY + hour * HOUR
        for number, (workspace_id, account_id) in enumerate(names):
            yield Observation(
                workspace_id, account_id, "instagram", "account", slot, slot + HOUR,
                {"followers": 11_000 + hour, "following": 10, "posts": 90}, "bench", "v25.0",
            )  # fmt: skip
            for post in range(4):
                age = (slot + HOUR - _published(number, post)) / HOUR
                if age > 0:
                    seen = int(900 * (1 - math.exp(-age / 14)))
                    yield Observation(
                        workspace_id, account_id, "instagram", "post", slot, slot + HOUR,
                        {"likes": seen, "comments": seen // 9, "shares": 3, "saves": 2, "views": 10 * seen},
                        "bench", "v25.0", {}, f"{account_id}p{post}", str(post), "image",
                    )  # fmt: skip


def copy_earlier(store: Store, collection: str, field: str, step: timedelta, copies: int) -> None:
    """Copy what was said in the newest partition to those before it, as if each had been made."""
    milliseconds = int(step / timedelta(milliseconds=1))
    by_date = field == "day"
    for number in range(1, copies + 1):
        back = number * milliseconds
        earlier: dict[str, Any] = {"$subtract": ["$origin", back]}
        if by_date:
            said = {"$subtract": [{"$dateFromString": {"dateString": "$origin"}}, back]}
            earlier = {"$dateToString": {"date": said, "format": "%Y-%m-%d"}}
        origin = {"$cond": [{"$ifNull": ["$origin", False]}, earlier, "$$REMOVE"]}
        moved = {
            "_id": {"$concat": ["$_id", f"-{number}"]}, "origin": origin,
            field: {"$subtract": [f"${field}", back]}, "madeAt": {"$subtract": ["$madeAt", back]},
        }  # fmt: skip
        newest = {"$match": {field: YESTERDAY if by_date else TODAY - WINDOW}}
        store.db[collection].aggregate([newest, {"$set": moved}, {"$merge": {"into": collection}}])


def measured(store: Store, name: str) -> Cost:
    """Make the partition of a task in this process; return what it cost."""
    task = TASKS[name]
    written = {one: _written(store, one) for one in task.collections}
    before, mongo, cpu, began = peak(), _mongo(store), time.process_time(), time.perf_counter()
    print(task.make(store), file=sys.stderr)
    spent, seconds = time.process_time() - cpu, time.perf_counter() - began
    documents = sum(_written(store, one) - count for one, count in written.items())
    return Cost(spent, seconds, _mongo(store) - mongo, peak(), before, documents)


def _written(store: Store, collection: str) -> int:
    return store.db[collection].estimated_document_count()


def _mongo(store: Store) -> float:
    spent = store.client.admin.command("serverStatus")["extra_info"]
    return float(spent["user_time_us"] + spent["system_time_us"]) / 1e6


def show(name: str, cost: Cost) -> None:
    """Print a row."""
    task = TASKS[name]
    year = f"{(cost.cpu + cost.mongo) * task.per_year / 60:9.0f}" if task.per_year else f"{'':9}"
    print(
        f"{name:20} {cost.cpu:8.1f} {cost.seconds:8.1f} {cost.mongo:8.1f} {cost.megabytes:6.0f} {cost.before:7.0f} "
        f"{cost.documents:10,} {task.per_day:8.2f} {cost.cpu * task.per_day:10.0f} "
        f"{cost.documents * task.per_day:13,.0f} {year}",
        flush=True,
    )


def main() -> None:
    """Fill a store, measure each asset in a process of its own, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1000, help="accounts (1000)")
    parser.add_argument("--only", default=",".join(TASKS), help="tasks, separated by commas")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        store = Store.connect(load_settings())
        cost = measured(store, options.measure)
        print(json.dumps({name: getattr(cost, name) for name in Cost.__slots__}))
        return
    with servers() as bench:
        began = time.perf_counter()
        fill(bench.store, options.accounts)
        filled = time.perf_counter() - began
        print(f"{options.accounts:,} accounts, filled in {filled:.0f} s; load {os.getloadavg()[0]:.1f}")
        print(
            f"{'one partition':20} {'CPU s':>8} {'seconds':>8} {'MongoDB':>8} {'MB':>6} {'before':>7} {'documents':>10}"
            f" {'per day':>8} {'CPU s/day':>10} {'documents/day':>13} {'min/year':>9}"
        )

        def cost_of(name: str) -> Cost:
            command = [sys.executable, __file__, "--measure", name]
            done = subprocess.run(
                command, env=os.environ | bench.environment, check=True, stdout=subprocess.PIPE, text=True
            )
            return Cost(**json.loads(done.stdout.splitlines()[-1]))

        short = []
        for name in options.only.split(","):
            cost = cost_of(name)
            if name == "account_forecasts":
                # Again, with five weeks of forecasts that come due.
                copy_earlier(bench.store, "forecasts", "day", DAY, 36)
                for one in TASKS[name].collections:
                    bench.store.db[one].delete_many({"day": YESTERDAY})
                cost = cost_of(name)
                short += [f"{cost.cpu:.0f} CPU s"] if cost.cpu > BAR_CPU_SECONDS * options.accounts / 1000 else []
                short += [f"{cost.megabytes:.0f} MB"] if cost.megabytes > BAR_MEGABYTES else []
            if name == "hourly_forecasts":
                copy_earlier(bench.store, "hourly_forecasts", "window", WINDOW, 16)
                bench.store.db["hourly_forecasts"].delete_many({"window": TODAY - WINDOW})
                cost = cost_of(name)
            if TASKS[name].per_day:
                show(name, cost)
        print("falls short: " + "; ".join(short) if short else "every bar is met")


if __name__ == "__main__":
    main()
