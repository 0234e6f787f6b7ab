"""Benchmark of backfilling rollups through Dagster, one run per period length, compared with a bare `$group`.

    python bench/backfill.py [--days 28] [--workspaces 5] [--mongo URL]

Every workspace has four accounts that publish once a day, and did so before the first measured day. Posts are observed
less often with age (the ladder), so that each day has about 120 observations per account, like any day of a year.
`year_seconds` is the time of a year of as many workspaces, extrapolated from the measured days. The benchmark starts a
MongoDB of its own unless given one, and writes JSON to bench/results/backfill.json.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

# Another benchmark is imported as `bench.rollup`, so imports have to be resolved from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

import dagster as dg
from cryptography.fernet import Fernet

from bench.rollup import DAY, bare_group, server
from metrics.documents import AccountDocument, Observation, PostDocument
from metrics.periods import PERIODS, Period, starts_between
from metrics.redis.client import connect
from metrics.redis.events import Announcer
from metrics.settings import load_settings
from metrics.store import Store
from pipelines.collect.ladder import FOLLOWED_UNTIL, due_slots
from pipelines.definitions import build
from pipelines.partitions import period_key
from pipelines.resources import Clients, Tidemark
from pipelines.runs.tags import RANGE_END, RANGE_START
from tidemark.stack import redis
from tidemark.stack.ports import free_port

START = DAY - timedelta(days=400)
ACCOUNTS = 4
YEAR = 365
RESULTS = Path(__file__).parent / "results" / "backfill.json"


def fill(store: Store, workspaces: int, days: int, accounts: int = ACCOUNTS) -> int:
    """Write the log of every account of each workspace; return the number of observations."""
    written = 0
    for workspace in range(workspaces):
        for number in range(accounts):
            account: AccountDocument = {
                "_id": f"w{workspace}a{number}", "workspaceId": f"w{workspace}", "platform": "instagram",
                "platformAccountId": f"{workspace}-{number}", "handle": "h", "state": "active", "connectedAt": START,
            }  # fmt: skip
            posts = [_post(account, day) for day in range(-FOLLOWED_UNTIL.days, days)]
            store.accounts.put([account])
            store.posts.put(posts)
            written += store.observations.append(_of_account(account, days))
            written += store.observations.append(one for post in posts for one in _of_post(post, days))
    return written


def _post(account: AccountDocument, day: int) -> PostDocument:
    return {
        "_id": f"{account['_id']}p{day}", "workspaceId": account["workspaceId"], "accountId": account["_id"],
        "platform": "instagram", "platformPostId": str(day), "metricType": "post", "contentType": "image",
        "publishedAt": START + timedelta(days=day, hours=9),
    }  # fmt: skip


def _of_account(account: AccountDocument, days: int) -> Iterator[Observation]:
    for hour in range(24 * days):
        slot = START + timedelta(hours=hour)
        yield Observation(
            account["workspaceId"], account["_id"], "instagram", "account", slot, slot + timedelta(hours=1),
            {"followers": 1000 + hour, "following": 10, "posts": hour // 24}, "bench", "v25.0",
        )  # fmt: skip


@cache
def _due(published_at: datetime, days: int) -> list[datetime]:
    return due_slots(published_at, START, START + timedelta(days=days))


def _of_post(post: PostDocument, days: int) -> Iterator[Observation]:
    for number, slot in enumerate(_due(post["publishedAt"], days)):
        yield Observation(
            post["workspaceId"], post["accountId"], "instagram", "post", slot, slot + timedelta(hours=1),
            {"likes": 50 + number, "comments": number // 3, "shares": 3, "saves": 2, "views": 900 + 20 * number},
            "bench", "v25.0", {}, post["_id"], post["platformPostId"], "image",
        )  # fmt: skip


def backfill(clients: Clients, period: Period, days: int) -> tuple[int, float, int]:
    """Roll up all periods of the range in one run; return the numbers of periods, of seconds and of progress lines."""

    class Fixed(Tidemark):
        def clients(self) -> Clients:
            return clients

    keys = [period_key(start) for start in starts_between(period, START, START + timedelta(days=days))]
    job = build({"tidemark": Fixed()}).resolve_job_def(f"aggregate_{period}")
    with dg.instance_for_test() as instance:
        began = time.perf_counter()
        result = job.execute_in_process(
            instance=instance,
            tags={RANGE_START: keys[0], RANGE_END: keys[-1]},
            run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
        )
        seconds = time.perf_counter() - began
        progress_lines = sum(" partitions (" in entry.user_message for entry in instance.all_logs(result.run_id))
        assert len(result.get_asset_materialization_events()) == len(keys)
    return len(keys), seconds, progress_lines


def measure(store: Store, clients: Clients, workspaces: int, days: int) -> list[dict[str, float | str]]:
    """Fill, group and backfill; return a row per period length."""
    observations = fill(store, workspaces, days)
    sample = [START + timedelta(days=n) for n in range(0, days, max(1, days // 20))]
    # Extrapolate the bare group to the whole range from a sample of its days.
    group = sum(bare_group(store, day, day + timedelta(days=1)) for day in sample) / len(sample) * days
    rows: list[dict[str, float | str]] = []
    for period in PERIODS:
        partitions, seconds, progress_lines = backfill(clients, period, days)
        row: dict[str, float | str] = {
            "grain": period, "partitions": partitions, "seconds": seconds, "seconds_each": seconds / partitions,
            "progress_lines": progress_lines, "observations": observations, "bare_group_seconds": group,
            "ratio_to_group": seconds / group, "year_seconds": seconds * YEAR / days,
            "worker_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }  # fmt: skip
        rows.append(row)
        print(
            "  ".join(f"{name} {value if isinstance(value, str) else f'{value:,.2f}'}" for name, value in row.items())
        )
    return rows


def main() -> None:
    """Measure, print one line per period length, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--workspaces", type=int, default=5)
    parser.add_argument("--mongo", help="URL of a MongoDB to measure; its database tidemark_bench is dropped")
    options = parser.parse_args()
    with server(options.mongo) as url, tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        home, port = Path(folder), free_port()
        child = redis.start(home / "data", port, home / "logs")
        settings = load_settings(
            _env_file=None, mongo_url=url, mongo_db="tidemark_bench", redis_url=redis.url(port),
            secret_keys=Fernet.generate_key().decode(), retention_days=20_000, rollup_retention_days=20_000,
        )  # fmt: skip
        store = Store.connect(settings)
        store.client.drop_database(settings.mongo_db)
        store.ensure(settings)
        with connect(settings) as client:
            rows = measure(store, Clients(settings, store, client, Announcer(client)), options.workspaces, options.days)
        store.client.drop_database(settings.mongo_db)
        store.close()
        child.stop()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "python": sys.version.split()[0],
        "days": options.days,
        "workspaces": options.workspaces,
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
