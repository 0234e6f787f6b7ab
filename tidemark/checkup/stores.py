"""Checks of MongoDB and Redis: they can be reached, are new enough, and are set up so that no data is lost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from redis import Redis
from redis.exceptions import ResponseError

from metrics.clock import isoformat, machine_now, utcnow
from metrics.documents import PLATFORMS
from metrics.errors import RedisUnavailable
from metrics.redis import info
from metrics.redis.client import connect as connect_redis
from metrics.redis.errors import redis_errors
from metrics.redis.quotas import used_quotas
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.setup.lifetimes import setting_differences
from metrics.upkeep import other_retention
from tidemark.checkup.finding import Finding, Trouble, look
from tidemark.stack.locate import MONGO_AT_LEAST, REDIS_AT_LEAST

MOST_SKEW_SECONDS = 2.0
MINUTE = timedelta(minutes=1)
NEARLY_USED = 0.95
"""The used part of a daily quota above which it is a warning."""
OLDEST_MARK = 15 * MINUTE
"""Maximum age of a roll-up mark: late data is normally rolled up within minutes."""


def mongo(store: Store, settings: Settings) -> Iterator[Finding]:
    """Yield the checks of MongoDB; only the first one if it does not answer."""
    first = look("MongoDB", lambda: _version(store), "run `tidemark up`, or check TIDEMARK_MONGO_URL and its network")
    yield first
    if first.well:
        yield look("MongoDB's replica set", lambda: _replica_set(store))
        yield look("MongoDB's clock", lambda: _clock(store))
        yield look("retention", lambda: _retention(store, settings))
        yield look("erasures", lambda: _erasures(store))
        yield look("rollups to do", lambda: _waiting(store))


def _version(store: Store) -> str:
    store.ping()
    with mongo_errors():
        version = str(store.client.server_info()["version"])
    if int(version.split(".", maxsplit=1)[0]) < MONGO_AT_LEAST:
        raise Trouble(f"is {version}", f"use MongoDB {MONGO_AT_LEAST}.0 or newer")
    return f"{version} answers"


def _hello(store: Store) -> dict[str, Any]:
    with mongo_errors():
        return store.client.admin.command("hello")


def _replica_set(store: Store) -> str:
    hello = _hello(store)
    if hello.get("msg") == "isdbgrid":
        return "a sharded cluster"
    if "setName" not in hello:
        raise Trouble(
            "it is not a replica set, so no write can be acknowledged by a majority",
            "start mongod with --replSet and run rs.initiate() once",
        )
    return f"{hello['setName']}, {len(hello.get('hosts', ()))} members"


def _clock(store: Store) -> str:
    # Compared with the machine's clock, because MongoDB reports its machine's time, not the clock of the stack.
    before = machine_now()
    there, after = cast("datetime", _hello(store)["localTime"]).replace(tzinfo=UTC), machine_now()
    skew = (there - (before + (after - before) / 2)).total_seconds()
    if abs(skew) > MOST_SKEW_SECONDS + (after - before).total_seconds():
        raise Trouble(f"{skew:+.0f} s from ours", "run an NTP client on both machines")
    return "as ours"


def _retention(store: Store, settings: Settings) -> str:
    if differing := setting_differences(store.db, settings):
        raise Trouble(
            "; ".join(differing),
            "the database decides: set the variable alike for every process, or run `tidemark retention sync`",
        )
    return "as in the settings"


def _erasures(store: Store) -> str:
    if unfinished := store.erasures.unfinished():
        raise Trouble(
            "not finished: " + ", ".join(f"{erasure}, begun {isoformat(erasure.at)}" for erasure in unfinished),
            "run `tidemark erase --resume` where TIDEMARK_HOME, DAGSTER_HOME and the exports are",
        )
    return "all finished"


def _waiting(store: Store) -> str:
    waiting = Counter(store.marks.count()) + Counter(store.public.marks.count())
    oldest = min((at for at in (store.marks.oldest(), store.public.marks.oldest()) if at is not None), default=None)
    if not waiting or oldest is None:
        return "none"
    age = utcnow() - oldest
    detail = f"{', '.join(f'{n} {period}' for period, n in waiting.items())}; the oldest for {age // MINUTE} minutes"
    if age > OLDEST_MARK:
        raise Trouble(detail, "check that the sensor late_data is on and that its runs succeed", warning=True)
    return detail


def redis(settings: Settings) -> Iterator[Finding]:
    """Yield the checks of Redis; only the first one if it does not answer."""
    try:
        client = connect_redis(settings)
    except (RedisUnavailable, ValueError) as error:
        yield Finding("Redis", False, str(error), "check TIDEMARK_REDIS_URL")
        return
    with client:
        first = look("Redis", lambda: _redis_version(client), "run `tidemark up`, or check TIDEMARK_REDIS_URL")
        yield first
        if first.well:
            yield look("Redis keeps events", lambda: _persistence(client))
            yield look("Redis evicts", lambda: _eviction(client))
            yield look("retention of processes", lambda: _processes(client))
            yield look("daily quotas", lambda: _quotas(client, settings))


def _nodes(client: Redis, section: str) -> list[Mapping[str, Any]]:
    """Return a section of INFO for every node: for a single one, or for all nodes of a cluster."""
    with redis_errors():
        return info.nodes(client.info(section))


def _redis_version(client: Redis) -> str:
    servers = _nodes(client, "server")
    product, oldest = min(map(_product, servers), key=lambda found: _numbers(found[1]))
    if _numbers(oldest) < REDIS_AT_LEAST:
        raise Trouble(f"is {product} {oldest}", "use Redis 6.2 or newer, or Valkey")
    return f"{product} {oldest} answers" + (f", a cluster of {len(servers)}" if len(servers) > 1 else "")


def _product(server: Mapping[str, Any]) -> tuple[str, str]:
    """Return name and version. Valkey tells its own version, and that of the Redis with which it is compatible."""
    own = server.get("valkey_version")
    return ("Redis", str(server["redis_version"])) if own is None else ("Valkey", str(own))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


def _persistence(client: Redis) -> str:
    nodes = _nodes(client, "persistence")
    if any(node.get("aof_last_write_status", "ok") != "ok" for node in nodes):
        raise Trouble("its append-only file cannot be written", "look at Redis's log: its disk may be full")
    if all(node.get("aof_enabled") for node in nodes):
        return "in an append-only file"
    if _snapshots(client):
        return "in snapshots: the last minutes are lost with the process"
    raise Trouble("only in memory: streams cannot resume after its restart", "set `appendonly yes`")


def _eviction(client: Redis) -> str:
    policies = sorted({str(node.get("maxmemory_policy", "unknown")) for node in _nodes(client, "memory")})
    if policies != ["noeviction"]:
        raise Trouble(
            f"keys are evicted ({', '.join(policies)}): tickets, limits or events would vanish before cached answers",
            "set `maxmemory-policy noeviction`; Tidemark stops to cache answers before the memory is full",
        )
    return "nothing"


def _quotas(client: Redis, settings: Settings) -> str:
    found = used_quotas(client, {name: settings.units_per_day(name) for name in PLATFORMS}, utcnow())
    scarce = [one for one in found if one.used > NEARLY_USED * one.units]
    if scarce:
        named = ", ".join(f"{one.platform} {one.quota} {one.used} of {one.units}" for one in scarce)
        raise Trouble(
            f"nearly used until {min(isoformat(one.resets_at) for one in scarce)}: {named}",
            "what they count is collected again from then on; `tidemark quotas` lists all; ask the platform for more",
            warning=True,
        )
    return "none is nearly used"


def _processes(client: Redis) -> str:
    if differing := other_retention.noted(client):
        raise Trouble(
            "; ".join(differing),
            "the database decides: set the variable alike for every process and restart these; to change the "
            "database, run `tidemark retention sync`",
        )
    return "none differs from the database"


def _snapshots(client: Redis) -> bool:
    with redis_errors():
        try:
            return bool(cast("dict[str, str]", client.config_get("save")).get("save"))
        except ResponseError:
            return False  # Hosted Redis often hides its configuration.
