"""Redis refuses commands or sends nonsense: reads go on without it, streams wait and continue, caching returns."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from httpx_sse import ServerSentEvent, connect_sse
from redis import Redis
from redis.exceptions import RedisError

from metrics.errors import RedisUnavailable
from metrics.redis.events import Announcer, observation_event
from metrics.redis.keys import events_key
from metrics.redis.versions import data_version
from metrics.settings import Settings
from metrics.store import Store
from serving.process.measures import MALFORMED
from tests.redis_server import RedisServer
from tests.serving.conftest import NOW, observation, reading, serving
from tests.tcp_proxy import TcpProxy
from tests.waiting import until

READ = "/analytics/workspace/w1/metrics"


class ProxiedRedis(RedisServer):
    """A Redis behind a proxy, which can answer in its place."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.proxy = TcpProxy(self.port)
        self.url = f"{self.proxy.url.replace('http', 'redis')}/0"


Failure = Callable[[ProxiedRedis], AbstractContextManager[None]]


@contextmanager
def busy(server: RedisServer) -> Iterator[None]:
    """A script runs for ever: Redis answers all other commands with BUSY."""
    with server.client() as redis:
        redis.config_set("lua-time-limit", 20)
    script = threading.Thread(target=_run_for_ever, args=[server])
    script.start()
    with server.client() as redis:
        until(lambda: _refuses(redis, "BUSY"))
        yield
        redis.script_kill()
    script.join()


def _run_for_ever(server: RedisServer) -> None:
    with server.client() as redis, suppress(RedisError):
        redis.eval("while true do end", 0)


def _refuses(redis: Redis, code: str) -> bool:
    try:
        redis.ping()
    except RedisError as error:
        return code in str(error)
    return False


@contextmanager
def denied(server: RedisServer) -> Iterator[None]:
    """The access list denies what reads and streams need: NOPERM."""
    with server.client() as redis:
        denied = [f"-{command}" for command in ("xread", "evalsha", "eval", "get", "set", "xrange", "xrevrange")]
        redis.acl_setuser("default", enabled=True, nopass=True, categories=["+@all"], commands=denied)
        yield
        redis.acl_setuser("default", enabled=True, nopass=True, categories=["+@all"])


@contextmanager
def unknown_user(server: RedisServer) -> Iterator[None]:
    """A password is demanded that the settings do not have: NOAUTH for each new connection."""
    with server.client() as redis:
        redis.config_set("requirepass", "changed")
        redis.execute_command("AUTH", "changed")
        redis.client_kill_filter(_type="normal", skipme=True)
        yield
        redis.config_set("requirepass", "")


@contextmanager
def no_disk(server: RedisServer) -> Iterator[None]:
    """The last snapshot failed: Redis refuses writes with MISCONF."""
    with server.client() as redis:
        # A folder cannot be replaced by the file of the snapshot.
        obstacle = Path(redis.config_get("dir")["dir"]) / "dump.rdb"
        obstacle.mkdir()
        redis.config_set("save", "3600 1")
        redis.bgsave()
        until(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")
        yield
        obstacle.rmdir()
        redis.config_set("save", "")
        redis.bgsave()
        until(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "ok")


@contextmanager
def loading(server: RedisServer) -> Iterator[None]:
    """Redis loads its data again: LOADING."""
    with server.client() as redis:
        # While it loads, Redis answers after each 2 MiB only.
        redis.mset({f"filler:{n}": random.randbytes(8192) for n in range(1500)})
        redis.config_set("key-load-delay", 4000)
        reloading = threading.Thread(target=_reload, args=[server])
        reloading.start()
        until(lambda: _refuses(redis, "loading"))
        yield
        until(lambda: _accepts(redis, "key-load-delay", 0), 60)
    reloading.join()


def _reload(server: RedisServer) -> None:
    with server.client() as redis, suppress(RedisError):
        redis.execute_command("DEBUG", "RELOAD")


def _accepts(redis: Redis, setting: str, value: int) -> bool:
    try:
        return bool(redis.config_set(setting, value))
    except RedisError:
        return False


def nonsense(answer: bytes) -> Failure:
    """Another program answers in place of Redis."""

    @contextmanager
    def failure(server: ProxiedRedis) -> Iterator[None]:
        server.proxy.answer_with(answer)
        yield
        server.proxy.cut()
        server.proxy.mend()

    return failure


FAILURES: dict[str, Failure] = {
    "busy": busy,
    "denied": denied,
    "unknown user": unknown_user,
    "no disk": no_disk,
    "loading": loading,
    "an HTTP server": nonsense(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a number that is none": nonsense(b":none\r\n"),
    "an answer of another kind": nonsense(b"*1\r\n:1\r\n"),
    "a text that is none": nonsense(b"+\xff\xfe\r\n"),
}


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[ProxiedRedis]:
    one = ProxiedRedis(tmp_path / "own-redis")
    one.start()
    yield one
    one.proxy.close()
    one.stop()


@pytest.fixture
def beside(seeded: Store, settings: Settings, own_redis: ProxiedRedis) -> Iterator[httpx.Client]:
    """A client of a server whose Redis the test may disturb."""
    moved = settings.model_copy(update={"redis_url": own_redis.url})
    with serving(moved) as address, reading(address, seeded) as client:
        yield client


@contextmanager
def following(client: httpx.Client) -> Iterator[Iterator[ServerSentEvent]]:
    with connect_sse(client, "GET", "/analytics/stream", params={"workspaceId": "w1"}) as source:
        yield source.iter_sse()


def announce(server: RedisServer, followers: int) -> None:
    with server.client() as redis:
        Announcer(redis).announce("w1", [observation_event(observation(NOW, followers=followers))])


def is_hit(client: httpx.Client) -> bool:
    answer = client.get(READ)
    assert answer.status_code == 200
    return answer.headers["x-cache"] == "hit"


def next_event(events: Iterator[ServerSentEvent]) -> tuple[str, int | None]:
    """Return the next event that is no ping, and its followers."""
    event = next(event for event in events if event.event != "ping")
    return event.event, event.json().get("metrics", {}).get("followers")


@pytest.mark.timeout(150)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_reads_and_streams_survive(failure: Failure, beside: httpx.Client, own_redis: ProxiedRedis) -> None:
    until(lambda: is_hit(beside))
    with following(beside) as events:
        # The stream is joined when it sends its first ping.
        assert next(events).event == "ping"
        announce(own_redis, 1)
        assert next_event(events) == ("metrics:update", 1)
        with failure(own_redis):
            if failure is not no_disk:
                until(lambda: beside.get("/readyz").json()["status"] == "degraded")
            assert [beside.get(READ).status_code for _ in range(40)] == [200] * 40
        announce(own_redis, 2)
        found = next_event(events)
        # A Redis that restarted has told it before.
        assert (found if found[0] != "reset" else next_event(events)) == ("metrics:update", 2)
    until(lambda: is_hit(beside), 60)
    until(lambda: beside.get("/readyz").json()["problems"] == [], 60)
    assert beside.get("/readyz").json() == {"status": "ok", "stores": {"mongo": "ok", "redis": "ok"}, "problems": []}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_every_refusal_is_the_same_error_and_repeats_no_argument(failure: Failure, own_redis: ProxiedRedis) -> None:
    with own_redis.client() as redis:
        data_version(redis, "marked")
        with failure(own_redis), pytest.raises(RedisUnavailable) as caught:
            Announcer(redis).announce("marked", [observation_event(observation(NOW, "marked"))])
        assert "marked" not in str(caught.value)


def test_malformed_entries_are_skipped_live_and_in_a_replay(beside: httpx.Client, own_redis: ProxiedRedis) -> None:
    counted = MALFORMED._value.get()
    announce(own_redis, 1)
    cursor = beside.get(READ).headers["stream-cursor"]
    with own_redis.client() as redis, following(beside) as events:
        assert next(events).event == "ping"
        for fields in ({"other": "x"}, {"event": b"\xff", "data": "{}", "account": "", "post": ""}):
            redis.xadd(events_key("w1"), fields)
        announce(own_redis, 2)
        assert next_event(events) == ("metrics:update", 2)
    assert MALFORMED._value.get() == counted + 2
    with connect_sse(beside, "GET", "/analytics/stream", params={"workspaceId": "w1", "lastEventId": cursor}) as source:
        assert next_event(source.iter_sse()) == ("metrics:update", 2)
