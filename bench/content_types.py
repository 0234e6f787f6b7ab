"""Benchmark of the sums of content types over 90 days of 20 accounts, and of the answer of `aggregated` with them.

    python bench/content_types.py [--posts 39] [--rounds 5]

It starts a MongoDB, a Redis and a serving process, and writes daily rollups of posts and of accounts. `--posts` is the
number of posts of an account with a rollup on a day: 39 is one new post per day, since posts are read daily for 30 days
and weekly until they are 90 days old. Each answer is requested right after a change, so that it is not cached.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])

import httpx
from redis import Redis

from bench.support.servers import Bench, cpu_seconds, percentile, servers
from metrics.aggregation.post_parts import merged_sums, stored_sums
from metrics.clock import utcnow
from metrics.periods import DAY, midnight
from metrics.redis.events import Announcer

ACCOUNTS, DAYS = 20, 90
TYPES = ("image", "video", "carousel")
NETS = ("likes", "comments", "shares", "saves", "views", "reach", "interactions", "follows", "profileVisits")


def fill(bench: Bench, posts: int) -> None:
    """Write the rollups of every day."""
    today = midnight(utcnow().date())
    names = [f"a{n}" for n in range(ACCOUNTS)]
    bench.store.accounts.put([{
        "_id": name, "workspaceId": "w0", "platform": "instagram", "platformAccountId": name, "handle": name,
        "state": "active", "connectedAt": today - 2 * DAYS * DAY,
    } for name in names])  # fmt: skip
    for back in range(1, DAYS + 1):
        start = today - back * DAY
        period = {"period": "daily", "periodStart": start, "periodEnd": start + DAY, "workspaceId": "w0",
                  "platform": "instagram", "computedAt": today, "runId": "bench"}  # fmt: skip
        bench.store.rollups.accounts.insert_many([{
            **period, "_id": f"{name}|daily|{back}", "accountId": name, "unavailable": {}, "status": "complete",
            "aggregatedMetrics": {"followers": 1000, "postCount": 3, "postCountByType": dict.fromkeys(TYPES, 1)},
            "coverage": {"expectedSlots": 24, "observedSlots": 24}, "definitionVersion": 2,
        } for name in names])  # fmt: skip
        entries = {net: {"open": 10, "close": 31, "net": 21, "samples": 4} for net in NETS}
        bench.store.rollups.subjects.insert_many([{
            **period, "_id": f"{name}p{post}|daily|{back}", "subjectId": f"{name}p{post}", "accountId": name,
            "metricType": "post", "postId": f"{name}p{post}", "contentType": TYPES[post % 3], "observedSlots": 4,
            "metrics": entries,
        } for name in names for post in range(posts)])  # fmt: skip


def measure(bench: Bench, rounds: int) -> dict[str, float]:
    """Return medians in ms: the aggregation alone by kind of period, and whole answers without and with groups.

    Beside each is the CPU time of MongoDB, which depends less on other load of the machine.
    """
    end = midnight(utcnow().date())
    span, scope = (end - DAYS * DAY, end), {"workspaceId": "w0"}
    key, _ = bench.store.keys.create("bench", ["w0"], ["read"])
    url, _ = bench.serve("groups")
    calls: dict[str, Any] = {
        "aggregation_daily_ms": lambda: stored_sums(bench.store, "daily", *span, scope, ("contentType",)),
        "aggregation_custom_ms": lambda: merged_sums(bench.store, span, scope, ("contentType",)),
    }
    taken: dict[str, list[float]] = {}
    database = bench.store.client.admin.command("serverStatus")["pid"]
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(headers=headers, timeout=60) as client, Redis.from_url(str(bench.settings.redis_url)) as redis:

        def read(period: str, more: str) -> None:
            query = f"period={period}&startDate={span[0]:%Y-%m-%d}&endDate={end - DAY:%Y-%m-%d}&limit=1000{more}"
            answer = client.get(f"{url}/analytics/workspace/w0/aggregated?{query}").raise_for_status()
            assert answer.headers["x-cache"] == "miss"

        for period in ("daily", "custom"):
            calls[f"answer_{period}_ms"] = lambda period=period: read(period, "")
            calls[f"answer_{period}_with_groups_ms"] = lambda period=period: read(period, "&groupBy=contentType")
        for _ in range(rounds):
            for name, call in calls.items():
                Announcer(redis).announce("w0")
                began, used = time.perf_counter(), cpu_seconds(database)
                call()
                taken.setdefault(name, []).append(1000 * (time.perf_counter() - began))
                cpu = name.replace("_ms", "_mongodb_cpu_ms")
                taken.setdefault(cpu, []).append(1000 * (cpu_seconds(database) - used))
    return {name: percentile(values, 0.5) for name, values in taken.items()}


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=39, help="posts of an account with a rollup on a day (39)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements, whose median is printed (5)")
    options = parser.parse_args()
    with servers() as bench:
        fill(bench, options.posts)
        print(f"{bench.store.rollups.subjects.estimated_document_count():,} rollups of posts")
        for name, value in measure(bench, options.rounds).items():
            print(f"{name:42} {value:10,.0f}", flush=True)


if __name__ == "__main__":
    main()
