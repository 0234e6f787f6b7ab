"""Benchmark of own metrics over a year of 20 accounts, compared with a bare `$group` over the same rollups.

    python bench/own_metrics.py [--posts 5] [--rounds 20]

It starts a MongoDB of its own, writes daily rollups of posts and accounts, and derives their weeks and months. A year
is read from these where possible; the calls named `days` read days alone. `--posts` is the number of posts of an
account with a rollup on a day: 39 is one new post per day, since posts are read daily for 30 days and weekly until
they are 90 days old; 5 is a post every eight days. Nothing is cached. The reference is one `$group` that adds up five
metrics of the days per week: what MongoDB takes to read the daily rollups, without posts, pairs, labels and levels. The
calls take turns.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from bench.support.servers import Bench, cpu_seconds, percentile, servers
from metrics.aggregation.stored_periods import LONGER, StoredPeriods
from metrics.clock import utcnow
from metrics.definitions.evaluate import evaluate
from metrics.definitions.language.checker import check
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.scope import Scope
from metrics.expected import Span
from metrics.periods import DAY, midnight, period_start
from metrics.store import Store
from pipelines.rollup.roll import roll

ACCOUNTS, DAYS = 20, 365
NETS = ("likes", "comments", "shares", "saves", "views", "reach", "interactions", "follows", "profileVisits")
ADDED = ("likes", "comments", "shares", "saves", "views")
FORMULAS = {
    "paired_per_post": "(3 * comments + 5 * shares + likes + saves) / views",
    "sum_with_labels": "likes + 2 * comments + saves{metricType=post} + views{platform=instagram} + engagement",
    "paired_per_account": "percent(likes + comments + shares + saves, avg(followers))",
    "levels_alone": "percent(close(followers) - open(followers), avg(followers))",
}


def fill(store: Store, posts: int) -> None:
    """Write the rollups of every day."""
    today = midnight(utcnow().date())
    names = [f"a{n}" for n in range(ACCOUNTS)]
    store.accounts.put([{
        "_id": name, "workspaceId": "w0", "platform": "instagram", "platformAccountId": name, "handle": name,
        "state": "active", "connectedAt": today - 2 * DAYS * DAY,
    } for name in names])  # fmt: skip
    entries = {net: {"open": 10, "close": 31, "net": 21, "samples": 4} for net in NETS}
    followers = {"open": 900, "close": 1000, "net": 100, "samples": 24, "min": 900, "max": 1000, "sum": 22_000}
    for back in range(1, DAYS + 1):
        start = today - back * DAY
        common = {"period": "daily", "periodStart": start, "periodEnd": start + DAY, "workspaceId": "w0",
                  "platform": "instagram", "computedAt": today, "runId": "bench", "observedSlots": 24}  # fmt: skip
        # A post lives for as many days as there are posts with a rollup on a day.
        store.rollups.subjects.insert_many([{
            **common, "_id": f"{name}p{post}|{back}", "subjectId": f"{name}p{post}", "accountId": name,
            "metricType": "post", "postId": f"{name}p{post}", "contentType": "image", "metrics": entries,
        } for name in names for post in range(back, back + posts)])  # fmt: skip
        store.rollups.subjects.insert_many([{
            **common, "_id": f"{name}|{back}", "subjectId": name, "accountId": name, "metricType": "account",
            "metrics": {"followers": followers},
        } for name in names])  # fmt: skip
    for period in LONGER:
        starts = {period_start(period, today - back * DAY) for back in range(1, DAYS + 1)}
        roll(store, period, sorted(starts), run_id="bench", settle=False)


def weeks(first: datetime) -> list[Span]:
    """Return the spans of 51 whole weeks."""
    monday = period_start("weekly", first + 6 * DAY)
    return [(monday + 7 * n * DAY, monday + 7 * (n + 1) * DAY) for n in range(51)]


def reference(store: Store, first: datetime) -> None:
    """Add up five metrics per week, and nothing else."""
    match = {"workspaceId": "w0", "period": "daily", "periodStart": {"$gte": first, "$lt": first + DAYS * DAY}}
    week = {"$floor": {"$divide": [{"$subtract": ["$periodStart", first]}, 7 * 86_400_000]}}
    sums = {name: {"$sum": f"$metrics.{name}.net"} for name in ADDED}
    assert list(store.rollups.aggregate_subjects([{"$match": match}, {"$group": {"_id": week, **sums}}]))


def measure(bench: Bench, rounds: int) -> Mapping[str, tuple[list[float], list[float]]]:
    """Return the milliseconds of each call, and the milliseconds of MongoDB's processor."""
    store, first = bench.store, midnight(utcnow().date()) - DAYS * DAY
    accounts = store.accounts.connections(["w0"])

    def own(expression: str, spans: list[Span], periods: StoredPeriods | None = None) -> Callable[[], None]:
        form = check(expression, Vocabulary()).form

        def call() -> None:
            values = evaluate(store, form, Scope("w0"), spans, accounts, periods=periods)
            assert all(value.reason is None for value in values)

        return call

    calls: dict[str, Callable[[], None]] = {"reference": lambda: reference(store, first)}
    for name, expression in FORMULAS.items():
        calls[f"{name}, year"] = own(expression, [(first, first + DAYS * DAY)])
        calls[f"{name}, days"] = own(expression, [(first, first + DAYS * DAY)], StoredPeriods())
        calls[f"{name}, weeks"] = own(expression, weeks(first))
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in calls}
    database = store.client.admin.command("serverStatus")["pid"]
    for _ in range(rounds):
        for name, call in calls.items():
            began, used = time.perf_counter(), cpu_seconds(database)
            call()
            taken[name][0].append(1000 * (time.perf_counter() - began))
            taken[name][1].append(1000 * (cpu_seconds(database) - used))
    return taken


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=5, help="posts of an account with a rollup on a day (5)")
    parser.add_argument("--rounds", type=int, default=20, help="measurements of each call (20)")
    options = parser.parse_args()
    with servers() as bench:
        fill(bench.store, options.posts)
        print(f"{bench.store.rollups.subjects.estimated_document_count():,} rollups")
        taken = measure(bench, options.rounds)
        base = percentile(taken["reference"][0], 0.5)
        print(f"{'':28} {'median ms':>10} {'p95 ms':>10} {'database ms':>12} {'of reference':>13}")
        for name, (wall, processor) in taken.items():
            median, slow, used = percentile(wall, 0.5), percentile(wall, 0.95), percentile(processor, 0.5)
            print(f"{name:28} {median:10,.0f} {slow:10,.0f} {used:12,.0f} {median / base:13.2f}", flush=True)


if __name__ == "__main__":
    main()
