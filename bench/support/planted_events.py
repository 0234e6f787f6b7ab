"""Events planted into simulated audiences, followed to the stored anomalies, the stream and the messages of alerts.

Each account of four workspaces has two events within eight weeks, after four weeks without any. A fifth workspace has
none, and in one of its weeks six hours were not collected. History is written as collection would have stored it,
rolled up, and looked at day by day in order, as the pipeline does it.
"""

import base64
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from pydantic import SecretStr

from bench.support.servers import in_memory, servers
from metrics.alerts.anomalies import NewRule, make_messages, set_rule
from metrics.documents import Document
from metrics.periods import DAY, HOUR
from metrics.redis.client import connect as connect_redis
from metrics.redis.events import Announcer, anomaly_event
from metrics.redis.keys import events_key
from metrics.store import Store
from metrics.store.insights.anomalies import SETTLED
from metrics.vault import Vault
from pipelines.insights.anomalies.make import find
from pipelines.resources import Clients
from pipelines.rollup import roll
from pipelines.sensors.anomalies import send_pending
from simulator.events import Event
from simulator.registry import new_world
from simulator.world import FIRST_BAR_SEED, SimAccount, World
from tidemark.seed import Plan, seed, seeded_account

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
QUIET, PLANTED = 28, 56
"""Days before the first event, and days in which events begin."""
AFTER = timedelta(days=2)
"""An event counts as found if an anomaly in its direction begins before this time after it has ended."""
LEAST_SEVERITY = 1
GAP_DAY, GAP_FROM, GAP_HOURS = QUIET + 30, 6, 6
LOOKED_AFTER = timedelta(minutes=25)
"""The pipeline looks for anomalies so long after a full hour."""
KINDS: tuple[tuple[str, float, float], ...] = (
    ("spike", 4.0, 6.0), ("outage", 1.0, 12.0), ("follower_drop", 0.08, 12.0), ("bought_followers", 0.1, 6.0),
    ("shift", 2.5, 96.0),
)  # fmt: skip
"""Kind, size and hours of the planted events, by turns."""
_UP = frozenset({"spike", "bought_followers", "shift"})


@dataclass(frozen=True, slots=True)
class Planted:
    """An event of an account, and what became of it: whether an anomaly was found, and in which messages it was."""

    kind: str
    account_id: str
    start: datetime
    end: datetime
    found: tuple[Document, ...] = ()

    def is_of(self, anomaly: Document) -> bool:
        """Tell whether an anomaly may come from the event."""
        if anomaly.get("accountId") != self.account_id or anomaly["kind"] == "collection":
            return False
        return bool(anomaly["from"] < self.end + AFTER and anomaly["to"] > self.start - HOUR)


@dataclass(slots=True)
class Figures:
    """The figures of a run."""

    accounts: int = 0
    observations: int = 0
    events: list[Planted] = field(default_factory=list)
    others: list[Document] = field(default_factory=list)
    """Anomalies of the audience that no planted event explains."""
    weeks: float = 0.0
    """Weeks of accounts in which anomalies were looked for."""
    in_gap: list[Document] = field(default_factory=list)
    """Anomalies that touch the gap or the 24 hours after it, in the workspace with the gap."""
    times_told: Counter[int] = field(default_factory=Counter)
    """How many of the planted events' anomalies were in so many messages."""
    messages: int = 0
    pictures: int = 0
    on_stream: int = 0
    changes: int = 0
    slowest_seconds: float = 0.0
    """The longest time from the rollup of a day to the last event on the stream about it."""


def planted_run(accounts_per_platform: int) -> Figures:
    """Plant, roll up, look, tell; return the figures."""
    world = new_world(FIRST_BAR_SEED + 7)
    names = ("north", "east", "south", "west", "calm")
    what = Plan(FIRST, FIRST + (QUIET + PLANTED) * DAY, names, accounts_per_platform)
    figures = Figures()
    with servers(in_memory()) as bench, connect_redis(bench.settings) as redis, _receiver() as (url, received):
        # The history is older than what is kept by default.
        bench.store.client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
        vault = Vault(bench.settings.secret_keys)
        pairs = what.of(world)
        figures.accounts = len(pairs)
        figures.events = list(_plant(world, vault, [pair for pair in pairs if pair[0] != "calm"]))
        figures.observations = _fill(bench.store, vault, world, what)
        days = [FIRST + n * DAY for n in range(QUIET + PLANTED)]
        roll(bench.store, "daily", days, run_id="bench", now=what.end)
        clients = Clients(bench.settings, bench.store, redis, Announcer(redis))
        for name in names:
            set_rule(bench.store, name, NewRule(LEAST_SEVERITY, (SecretStr(url),)), FIRST, vault)
        for day in days[QUIET:]:
            figures.slowest_seconds = max(figures.slowest_seconds, _look(clients, day, figures))
            # Anomalies of days wait for the run that finds them to end.
            now = day + DAY + LOOKED_AFTER + SETTLED
            make_messages(bench.store, now)
            send_pending(clients, now)
        figures.on_stream = sum(redis.xlen(events_key(name)) for name in names)
        figures.weeks = len(pairs) * PLANTED / 7
        _judge(bench.store.db, figures)
        _tell(bench.store.db, figures, received)
    return figures


def measure(accounts_per_platform: int) -> list[str]:
    """Print the figures of a run; return what falls short."""
    began = time.process_time()
    found = planted_run(accounts_per_platform)
    print(
        f"{len(found.events)} events planted into {found.accounts} accounts of five workspaces in {PLANTED} days, "
        f"{found.observations:,} observations, {time.process_time() - began:.0f} CPU s"
    )
    for kind, size, hours in KINDS:
        of = [event for event in found.events if event.kind == kind]
        print(f"  {kind} of {size:g} for {hours:g} h: {sum(bool(event.found) for event in of)} of {len(of)} found")
    told = ", ".join(f"{count} in {times} messages" for times, count in sorted(found.times_told.items()))
    print(f"  their anomalies: {told}; {found.messages} messages in all, {found.pictures} with a picture")
    print(
        f"  stream: {found.on_stream} of {found.changes} changes, the last one at most {found.slowest_seconds:.1f} s "
        "after a look at a day began"
    )
    print(
        f"  without an event: {len(found.others)} anomalies of the audience, {len(found.others) / found.weeks:.2f} a "
        "week and account"
    )
    audience = [one for one in found.in_gap if one["kind"] != "collection"]
    collection = [one for one in found.in_gap if one["kind"] == "collection"]
    print(
        f"  {GAP_HOURS} h not collected: {len(audience)} anomalies of the audience, {len(collection)} of the collection"
    )
    short = []
    if found.on_stream != found.changes:
        short.append(f"{found.changes - found.on_stream} changes are not on the stream")
    if found.slowest_seconds > 60:
        short.append(f"the last event came {found.slowest_seconds:.0f} s after a look at a day began, not 60")
    if wrong := sum(count for times, count in found.times_told.items() if times != 1):
        short.append(f"{wrong} anomalies of planted events are not in exactly one message")
    if audience:
        short.append(f"{len(audience)} anomalies of the audience in a gap of the collection")
    if not collection and accounts_per_platform > 1:
        short.append("no anomaly of the collection in a gap of six hours")
    return short


def _plant(world: World, vault: Vault, pairs: list[tuple[str, SimAccount]]) -> Iterator[Planted]:
    for number, (workspace_id, sim) in enumerate(pairs):
        account_id = seeded_account(workspace_id, sim, vault, FIRST)["_id"]
        for turn in range(2):
            kind, size, hours = KINDS[(2 * number + turn) % len(KINDS)]
            start = FIRST + (QUIET + 2 + 29 * turn + (5 * number) % 24) * DAY + (8 + number % 10) * HOUR
            world.plant([Event.parse({
                "kind": kind, "start": start.isoformat(), "size": size, "hours": hours,
                "account": sim.platform_account_id,
            })])  # fmt: skip
            yield Planted(kind, account_id, start, start + timedelta(hours=hours))


def _fill(store: Store, vault: Vault, world: World, what: Plan) -> int:
    """Write the history of all workspaces, of the last one without the hours of the gap; return the observations."""
    *whole, calm = what.workspaces
    gap = FIRST + GAP_DAY * DAY + GAP_FROM * HOUR
    spans = [(what.start, gap), (gap + GAP_HOURS * HOUR, what.end)]
    plans = [replace(what, workspaces=tuple(whole))]
    plans += [replace(what, workspaces=(calm,), start=start, end=end, first=len(whole)) for start, end in spans]
    written = sum(seed(store, vault, world, plan, lambda _done, _total: None) for plan in plans)
    for account in store.accounts.find(workspace_id=calm):
        store.accounts.put([{**account, "connectedAt": what.start}])
    return written


def _look(clients: Clients, day: datetime, figures: Figures) -> float:
    """Look for the anomalies of a day that has ended; return the seconds until the last event is on the stream."""
    began = time.monotonic()

    def announce(workspace_id: str, changes: Any) -> None:
        figures.changes += len(changes)
        clients.announce(workspace_id, [anomaly_event(change, one) for change, one in changes])

    find(clients.store, day, now=day + DAY + LOOKED_AFTER, run_id="bench", announce=announce)
    return time.monotonic() - began


def _judge(db: Any, figures: Figures) -> None:
    """Assign each anomaly to the event that explains it."""
    by_event: defaultdict[int, list[Document]] = defaultdict(list)
    gap = FIRST + GAP_DAY * DAY + GAP_FROM * HOUR
    for one in db["anomalies"].find({"status": {"$ne": "withdrawn"}}):
        if one["workspaceId"] == "calm" and one["from"] < gap + GAP_HOURS * HOUR + DAY and one["to"] > gap:
            figures.in_gap.append(one)
        explained = [n for n, event in enumerate(figures.events) if event.is_of(one)]
        for number in explained:
            by_event[number].append(one)
        if not explained and one["kind"] != "collection":
            figures.others.append(one)
    figures.events = [
        Planted(event.kind, event.account_id, event.start, event.end, tuple(by_event[number]))
        for number, event in enumerate(figures.events)
    ]


def _tell(db: Any, figures: Figures, received: list[dict[str, Any]]) -> None:
    """Count in how many messages each anomaly of a planted event was."""
    told = Counter(name for row in db["anomaly_messages"].find() for name in row["anomalyIds"])
    for event in figures.events:
        for one in event.found:
            figures.times_told[told[one["_id"]]] += 1
    figures.messages = len(received)
    figures.pictures = sum(any(_is_picture(part) for part in row.get("attachments", ())) for row in received)


def _is_picture(attachment: dict[str, Any]) -> bool:
    return base64.b64decode(attachment.get("base64", "")).startswith(b"\x89PNG")


@contextmanager
def _receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Run a receiver of messages; yield its URL for apprise, and the messages."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{running.server_port}/", received
        running.shutdown()
