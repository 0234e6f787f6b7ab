"""Benchmark of fair shares: the reads of one key, alone and while another client does its worst.

    python bench/fair_share.py [--seconds 10] [--rounds 3] [--only uncached_reads] [--check]

It starts two deployments: each is a MongoDB, a Redis and one serving process. A victim reads its workspace in the first
one in a closed loop, with a pause of 10 ms: in turn an answer that is cached, and one that is not. An attacker
(bench/support/attacks.py) runs in another process, with the same priority. The victim is measured alone, while the
attacker attacks the second deployment (`elsewhere`), and while it attacks the first (`beside`). The three measurements
alternate, so that other load on the machine affects all.

On a machine with few cores, processes wait for a core. `elsewhere` contains that time and nothing that the victim
shares with the attacker inside Tidemark, so `beside / elsewhere` is what sharing a deployment costs, and
`beside / alone` what sharing it and the machine costs. For each kind of attack the benchmark prints the victim's 95th
percentiles in ms, both ratios, and the CPU seconds per second that the server, MongoDB and the attacker used in
`beside`. With `--check` it fails if `beside / alone` of an attack is above 2. An attack begins with the full bucket of
its key (serving/process/fair_shares.py), which lasts for half a second: measure for several seconds.
"""

import argparse
import itertools
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

import httpx

from bench.support.attacks import ATTACKS
from bench.support.filling import account, observation
from bench.support.servers import Bench, cpu_seconds, percentile, servers
from metrics.clock import utcnow
from metrics.periods import DAY, HOUR, midnight, slot_of
from tidemark.stack.process import Child

MOST = 2.0
ANSWERS, WHEN = ("cached", "uncached"), ("alone", "elsewhere", "beside")
Measured = tuple[str, dict[str, float]]
ACCOUNTS = {"victim": 4, "attacker": 20}
POSTS, DAYS, HOURS = 20, 90, 480
_PAUSE = 0.01


def fill(bench: Bench) -> None:
    """Write rollups of 90 days, and observations of 20 days, of the accounts of both workspaces."""
    today, newest = midnight(utcnow().date()), slot_of(utcnow()) - HOUR
    nets = {
        name: {"open": 1, "close": 5, "net": 4, "samples": 4}
        for name in ("likes", "comments", "shares", "saves", "views")
    }
    for workspace, number in ACCOUNTS.items():
        names = [f"{workspace}{n}" for n in range(number)]
        bench.store.accounts.put([account(workspace, name) for name in names])
        for back in range(DAYS):
            start = today - back * DAY
            period = {"period": "daily", "periodStart": start, "periodEnd": start + DAY, "workspaceId": workspace,
                      "platform": "instagram", "computedAt": today, "runId": "bench"}  # fmt: skip
            bench.store.rollups.accounts.insert_many([{
                **period, "_id": f"{name}|daily|{back}", "accountId": name, "unavailable": {}, "status": "complete",
                "aggregatedMetrics": {"followers": 1000, "postCount": 1, "postCountByType": {"image": 1}},
                "coverage": {"expectedSlots": 24, "observedSlots": 24}, "definitionVersion": 2,
            } for name in names])  # fmt: skip
            bench.store.rollups.subjects.insert_many([{
                **period, "_id": f"{name}p{post}|daily|{back}", "subjectId": f"{name}p{post}", "accountId": name,
                "metricType": "post", "postId": f"{name}p{post}", "contentType": "image", "observedSlots": 4,
                "metrics": nets,
            } for name in names for post in range(POSTS)])  # fmt: skip
        bench.store.observations.append(
            [observation(workspace, name, newest - n * HOUR) for name in names for n in range(HOURS)]
        )


class Victim:
    """Reads in a closed loop, and collects the milliseconds of cached and uncached answers."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        self._numbers = itertools.count()

    def read(self, seconds: float) -> dict[str, list[float]]:
        """Read for some seconds."""
        today, base = utcnow().date(), "/analytics/workspace/victim"
        found: dict[str, list[float]] = {"cached": [], "uncached": []}
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            number = next(self._numbers)
            days = f"startDate={today - timedelta(days=29 + number % 40)}&endDate={today}"
            for name, path in (
                ("cached", f"{base}/accounts"),
                ("uncached", f"{base}/aggregated?period=daily&{days}&limit={1 + number % 1000}"),
            ):
                began = time.perf_counter()
                answer = self._client.get(path)
                taken = 1000 * (time.perf_counter() - began)
                if answer.status_code != 200:
                    raise SystemExit(f"the victim's {path} was answered with {answer.status_code}")
                if (answer.headers["x-cache"] == "hit") == (name == "cached"):
                    found[name].append(taken)
                # The pause of a closed loop, so that the victim alone does not fill the server.
                time.sleep(_PAUSE)
        return found


@contextmanager
def attacking(kind: str, url: str, key: str, bench: Bench) -> Iterator[int]:
    """Attack in another process; yield its id once it has begun."""
    command = [sys.executable, "-m", "bench.support.attacks", kind, url, key]
    with (
        (bench.folder / f"{kind}.log").open("ab") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=Path(__file__).parents[1]) as process,
    ):
        assert process.stdout
        if process.stdout.readline() != b"begun\n":
            raise SystemExit(f"{kind} did not begin:\n{(bench.folder / f'{kind}.log').read_text()[-2000:]}")
        yield process.pid
        process.terminate()


@dataclass(frozen=True)
class Target:
    """A deployment with data of both workspaces, and the keys of the victim and of the attacker."""

    bench: Bench
    url: str
    server: Child
    victim_key: str
    attacker_key: str

    @classmethod
    def start(cls, bench: Bench) -> "Target":
        """Fill the stores of `bench`, and start a serving process on them."""
        fill(bench)
        victim_key, _ = bench.store.keys.create("victim", ["victim"], ["read"])
        attacker_key, _ = bench.store.keys.create("attacker", ["attacker"], ["read", "collect"])
        return cls(bench, *bench.serve("serving"), victim_key, attacker_key)

    @contextmanager
    def attacked(self, kind: str) -> Iterator[int]:
        """Attack in another process; yield its id, and wait until the server is idle again."""
        with attacking(kind, self.url, self.attacker_key, self.bench) as pid:
            yield pid
        _settle(self.server, self.bench)


def measure(first: Target, second: Target, kinds: list[str], seconds: float, rounds: int) -> Iterator[Measured]:
    """Measure each kind alone, elsewhere and beside in turns; yield the row of each kind."""
    database = first.bench.store.client.admin.command("serverStatus")["pid"]
    victim = Victim(first.url, first.victim_key)
    victim.read(2)
    taken: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    used: defaultdict[tuple[str, str], float] = defaultdict(float)
    for kind in kinds:
        for _ in range(rounds):
            _note(taken, kind, "alone", victim.read(seconds))
            with second.attacked(kind):
                _note(taken, kind, "elsewhere", victim.read(seconds))
            with first.attacked(kind) as pid:
                pids = {"server": first.server.process.pid, "mongodb": database, "attacker": pid}
                before = {name: cpu_seconds(one) for name, one in pids.items()}
                began = time.monotonic()
                _note(taken, kind, "beside", victim.read(seconds))
                lasted = time.monotonic() - began
                for name, one in pids.items():
                    used[kind, name] += (cpu_seconds(one) - before[name]) / lasted / rounds
        yield kind, _row(kind, taken, used)


def _note(
    taken: defaultdict[tuple[str, str], list[float]], kind: str, when: str, found: dict[str, list[float]]
) -> None:
    for name, values in found.items():
        taken[kind, f"{name}_{when}"] += values


def _settle(child: Child, bench: Bench) -> None:
    """Remove the queued operations of an attack, and wait up to 10 s until the server is idle again."""
    bench.store.db["operations"].delete_many({"workspaceId": "attacker"})
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        before = cpu_seconds(child.process.pid)
        # The processor time of half a second tells whether the server is idle.
        time.sleep(0.5)
        if cpu_seconds(child.process.pid) - before < 0.05:
            return


def _row(
    kind: str, taken: defaultdict[tuple[str, str], list[float]], used: defaultdict[tuple[str, str], float]
) -> dict[str, float]:
    row: dict[str, float] = {}
    for name in ANSWERS:
        alone, elsewhere, beside = (percentile(taken[kind, f"{name}_{when}"], 0.95) for when in WHEN)
        row |= {f"{name}_{when}": value for when, value in zip(WHEN, (alone, elsewhere, beside), strict=True)}
        row |= {f"{name}_of_alone": beside / alone, f"{name}_of_elsewhere": beside / elsewhere}
    return row | {f"cpu_{name}": used[kind, name] for name in ("server", "mongodb", "attacker")}


def main() -> int:
    """Measure, print the table, and with `--check` return 1 if a ratio is too high."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="seconds of each measurement (10)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind (3)")
    parser.add_argument("--only", choices=ATTACKS, nargs="+", help="kinds of attacks (all)")
    parser.add_argument("--check", action="store_true", help=f"fail if beside / alone is above {MOST:g}")
    options = parser.parse_args()
    above = []
    kinds = options.only or list(ATTACKS)
    with servers() as one, servers() as other:
        first, second = Target.start(one), Target.start(other)
        for kind, row in measure(first, second, kinds, options.seconds, options.rounds):
            if kind == kinds[0]:
                print(f"{'p95 in ms':18}" + "".join(f"{name:>22}" for name in row), flush=True)
            print(f"{kind:18}" + "".join(f"{value:22.2f}" for value in row.values()), flush=True)
            above += [f"{kind} {name}" for name in ANSWERS if row[f"{name}_of_alone"] > MOST]
    if above:
        print(f"above {MOST:g}: {', '.join(above)}")
    return 1 if above and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
