"""Socket.IO, for clients of the earlier interface: the same events with the same keys, each once."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import socketio
from redis import Redis
from socketio.exceptions import ConnectionError as Refused
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from metrics.clock import utcnow
from metrics.redis.events import Announcer, Event, breakout_events
from metrics.settings import Settings
from metrics.store import Store
from serving.__main__ import Server
from serving.endpoints.socketio import sign_ins
from serving.stream import hub, subscriber
from tests.serving.conftest import NOW, serving
from tests.serving.endpoints.stored_anomalies import put_breakout
from tests.serving.stream.test_stream import announce, the_hub
from tests.waiting import until

NOTHING = "Nothing with this id is visible to this key."
TRANSPORTS = ("websocket", "polling")


class Client:
    """A connected client, and the events that it received."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.came: asyncio.Queue[tuple[str, Any, Any]] = asyncio.Queue()
        for name in (
            "metrics:update",
            "metrics:post",
            "metrics:aggregated",
            "post:breakout",
            "benchmark:updated",
            "reset",
        ):
            connection.on(name, self._noting(name))

    def _noting(self, name: str) -> Any:
        async def note(data: Any, named: Any) -> None:
            self.came.put_nowait((name, data, named))

        return note

    async def followers(self, count: int) -> list[int]:
        return [(await asyncio.wait_for(self.came.get(), 60))[1]["metrics"]["followers"] for _ in range(count)]

    async def call(self, name: str, **data: Any) -> Any:
        return await self.connection.call(name, data, timeout=60)


@asynccontextmanager
async def connected(address: str, transport: str = "websocket", **how: Any) -> AsyncIterator[Client]:
    connection = socketio.AsyncClient(reconnection=False)
    client = Client(connection)
    await connection.connect(address, transports=[transport], **how)
    try:
        yield client
    finally:
        await connection.disconnect()


@pytest.fixture
def key(client: httpx.Client) -> str:
    return str(client.headers["authorization"]).removeprefix("Bearer ")


def trying(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_events_of_a_subscribed_workspace_arrive_once_and_in_order(
    live: tuple[str, Server], key: str, announcer: Announcer, transport: str
) -> None:
    async def work() -> None:
        async with connected(live[0], transport, auth={"token": key}) as client:
            assert await client.call("subscribe:account", accountId="a1") == {"ok": True}
            assert await client.call("subscribe:workspace", workspaceId="w1") == {"ok": True}
            await asyncio.to_thread(until, lambda: sum(len(c.subscribers) for c in channels(live[1])) == 2)
            await asyncio.to_thread(announce, announcer, 1, 2, 3)
            assert await client.followers(3) == [1, 2, 3]
            assert await client.call("unsubscribe:workspace", workspaceId="w1") == {"ok": True}
            await asyncio.to_thread(announce, announcer, 4)
            assert await client.followers(1) == [4]
            assert await client.call("unsubscribe:account", accountId="a1") == {"ok": True}
            await asyncio.to_thread(announce, announcer, 5)
            assert client.came.empty()

    trying(work)
    until(lambda: the_hub(live[1]).open_streams == 0)


def test_breakout_arrives_with_its_post(live: tuple[str, Server], key: str, announcer: Announcer, store: Store) -> None:
    one = put_breakout(store, "an_1", NOW, postId="p3")

    async def work() -> None:
        async with connected(live[0], auth={"token": key}) as client:
            await asyncio.to_thread(announcer.announce, "w1", breakout_events("opened", one))
            await client.call("subscribe:workspace", workspaceId="w1", lastEventId="0-0")
            name, data, _ = await asyncio.wait_for(client.came.get(), 60)
            assert (name, data["postId"], data["multiple"]) == ("post:breakout", "p3", 6.0)

    trying(work)


def test_benchmark_arrives(live: tuple[str, Server], key: str, announcer: Announcer) -> None:
    document: Any = {
        "workspaceId": "w1", "accountId": "w1|instagram|@rival", "platform": "instagram", "period": "weekly",
        "periodStart": NOW, "periodEnd": NOW, "computedAt": NOW,
    }  # fmt: skip

    async def work() -> None:
        async with connected(live[0], auth={"token": key}) as client:
            await asyncio.to_thread(announcer.announce_public_rollups, "w1", [document])
            await client.call("subscribe:workspace", workspaceId="w1", lastEventId="0-0")
            name, data, _ = await asyncio.wait_for(client.came.get(), 60)
            assert (name, data["platform"], data["accounts"]) == ("benchmark:updated", "instagram", 1)

    trying(work)


def channels(server: Server) -> list[Any]:
    return list(the_hub(server)._channels.values())


def test_gap_is_replayed_after_an_id(live: tuple[str, Server], key: str, announcer: Announcer) -> None:
    async def work() -> None:
        await asyncio.to_thread(announce, announcer, 1, 2, 3)
        headers = {"Authorization": f"Bearer {key}"}
        async with connected(live[0], headers=headers) as client:
            await client.call("subscribe:workspace", workspaceId="w1", lastEventId="0-0")
            first = (await client.came.get())[2]["id"]
        async with connected(live[0], headers=headers) as client:
            await client.call("subscribe:workspace", workspaceId="w1", lastEventId=first)
            assert await client.followers(2) == [2, 3]
            await client.call("unsubscribe:workspace", workspaceId="w1")
            await client.call("subscribe:workspace", workspaceId="w1", lastEventId="1-1")
            assert (await client.came.get())[:2][0] == "reset"

    trying(work)


@pytest.mark.parametrize("auth", [None, {}, {"token": "tm_live_nobody"}, {"ticket": "tmt_nobody"}, {"token": 7}])
def test_connection_without_a_valid_credential_is_refused(live: tuple[str, Server], auth: Any) -> None:
    async def work() -> None:
        with pytest.raises(Refused):
            async with connected(live[0], auth=auth):
                pass

    trying(work)
    assert the_hub(live[1]).open_streams == 0


def test_ticket_opens_one_connection(live: tuple[str, Server], client: httpx.Client) -> None:
    ticket = client.post("/analytics/stream/tickets").json()["ticket"]

    async def work() -> None:
        async with connected(live[0], auth={"ticket": ticket}) as one:
            assert await one.call("subscribe:workspace", workspaceId="w1") == {"ok": True}
        with pytest.raises(Refused):
            async with connected(live[0], auth={"ticket": ticket}):
                pass

    trying(work)


def test_ids_that_the_key_may_not_see_are_answered_like_unknown_ones(live: tuple[str, Server], key: str) -> None:
    nothing = {"ok": False, "error": NOTHING}

    async def work() -> None:
        async with connected(live[0], auth={"token": key}) as client:
            assert await client.call("subscribe:workspace", workspaceId="w2") == nothing
            assert await client.call("subscribe:account", accountId="a2") == nothing
            assert await client.call("subscribe:account", accountId="unknown") == nothing
            said = await client.call("subscribe:workspace", accountId="a1")
            assert said == {"ok": False, "error": "send {workspaceId: …}"}
            assert (await client.call("subscribe:workspace", workspaceId="w1", lastEventId=5))["ok"] is False

    trying(work)


def test_key_without_the_scope_is_refused(live: tuple[str, Server], seeded: Store) -> None:
    collecting, _ = seeded.keys.create("collects", ["w1"], ["collect"])
    expired, _ = seeded.keys.create("old", ["w1"], ["read"], expires_at=utcnow())
    for one in (collecting, expired):
        test_connection_without_a_valid_credential_is_refused(live, {"token": one})


def test_revoked_key_is_disconnected(live: tuple[str, Server], seeded: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.5)
    short, stored = seeded.keys.create("short", ["w1"], ["read"])

    async def work() -> None:
        async with connected(live[0], auth={"token": short}) as client:
            await client.call("subscribe:workspace", workspaceId="w1")
            await asyncio.to_thread(seeded.keys.revoke, stored.prefix)
            await asyncio.wait_for(client.connection.wait(), 60)

    trying(work)
    until(lambda: the_hub(live[1]).open_streams == 0)


def test_connection_over_the_limit_of_a_key_is_refused(live: tuple[str, Server], key: str, redis_client: Redis) -> None:
    the_hub(live[1]).clients._per_key = 1

    async def work() -> None:
        async with connected(live[0], auth={"token": key}):
            with pytest.raises(Refused):
                async with connected(live[0], auth={"token": key}):
                    pass

    trying(work)


def test_stalled_websocket_is_disconnected_without_effect_on_others(
    live: tuple[str, Server], key: str, announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "STALLED_SECONDS", 0.5)
    monkeypatch.setattr(subscriber, "QUEUE", 20)
    address = f"{live[0].replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    # The client reads one message, and leaves the others in the buffers of the network.
    with connect(address, max_queue=1, compression=None, close_timeout=0) as stalled:
        stalled.recv()
        stalled.send(f'40{{"token":"{key}"}}')
        stalled.recv()
        stalled.send('42["subscribe:workspace",{"workspaceId":"w1"}]')
        until(lambda: sum(len(c.subscribers) for c in channels(live[1])) == 1)

        async def work() -> None:
            async with connected(live[0], auth={"token": key}) as client:
                await client.call("subscribe:workspace", workspaceId="w1")
                sent = 0
                while the_hub(live[1]).open_streams == 2 and sent < 1_000:
                    filled = Event("metrics:update", "w1", {"n": sent, "fill": "x" * 50_000}, "a1")
                    await asyncio.to_thread(announcer.announce, "w1", [filled])
                    assert (await asyncio.wait_for(client.came.get(), 60))[1]["n"] == sent
                    sent += 1
                await asyncio.to_thread(until, lambda: the_hub(live[1]).open_streams == 1)

        trying(work)
        until(lambda: not list(live[1].server_state.connections))


def websocket_address(url: str) -> str:
    return f"{url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"


MALFORMED = (
    '42["x', "", "42", "9", "42[" + "[" * 2000, "42{}", "42[]", "42[5]", '42["connect",{"asgi.scope":{"app":1}}]',
    '42["disconnect"]', "44", "45-[]", '451-["x",{"_placeholder":true,"num":0}]', "4", "46", "40[]", "bAAAA", "\x1e",
)  # fmt: skip


@pytest.mark.parametrize("packet", [*MALFORMED, b"\x00"], ids=repr)
@pytest.mark.parametrize("signed_in", [False, True])
def test_malformed_packet_ends_the_connection_without_a_traceback(
    live: tuple[str, Server], key: str, packet: str | bytes, signed_in: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(websocket_address(live[0])) as websocket:
        websocket.recv()
        if signed_in:
            websocket.send(f'40{{"token":"{key}"}}')
            assert str(websocket.recv()).startswith("40")
        websocket.send(packet)
        with pytest.raises(ConnectionClosed):
            websocket.recv(5)
    until(lambda: the_hub(live[1]).open_streams == 0)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("packet", MALFORMED)
def test_malformed_packet_of_a_long_poll_is_refused(
    live: tuple[str, Server], packet: str, caplog: pytest.LogCaptureFixture
) -> None:
    polling = {"EIO": "4", "transport": "polling"}
    url = f"{live[0]}/socket.io/"
    sid = json.loads(httpx.get(url, params=polling).text[1:])["sid"]
    answer = httpx.post(url, params={**polling, "sid": sid}, content=packet or "\x1e")
    assert answer.status_code == 400
    until(lambda: httpx.get(url, params={**polling, "sid": sid}).status_code == 400)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("first", ["", '40{"token":"tm_live_nobody"}', "41"])
def test_websocket_that_does_not_sign_in_is_closed(
    live: tuple[str, Server], monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(sign_ins, "SIGN_IN_SECONDS", 0.3)
    with connect(websocket_address(live[0])) as websocket:
        if first:
            websocket.send(first)
        with pytest.raises(ConnectionClosed):
            deque((websocket.recv(5) for _ in range(100)), 0)
    until(lambda: not list(live[1].server_state.connections))


def test_websocket_that_signs_out_and_not_in_again_is_closed(
    live: tuple[str, Server], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ins, "SIGN_IN_SECONDS", 0.3)
    with connect(websocket_address(live[0])) as websocket:
        websocket.recv()
        for _ in range(2):
            websocket.send(f'40{{"token":"{key}"}}')
            # The library sends an empty packet when a client signs out.
            assert next(said for said in iter(lambda: websocket.recv(5), None) if said != "6")[:2] == "40"
            websocket.send("41")
        with pytest.raises(ConnectionClosed):
            deque((websocket.recv(5) for _ in range(100)), 0)


def test_few_connections_of_an_address_wait_for_their_sign_in(
    live: tuple[str, Server], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ins, "PER_ADDRESS", 3)
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(websocket_address(live[0]))) for _ in range(3)]
        with pytest.raises(InvalidStatus):
            connect(websocket_address(live[0]))
        refused = httpx.get(f"{live[0]}/socket.io/", params={"EIO": "4", "transport": "polling"})
        assert (refused.status_code, refused.json()["detail"]) == (429, "Too many connections have not signed in.")
        opened[0].recv()
        opened[0].send(f'40{{"token":"{key}"}}')
        opened[0].recv()
        stack.enter_context(connect(websocket_address(live[0]))).recv()


def test_unknown_event_is_acknowledged_with_an_error(live: tuple[str, Server], key: str) -> None:
    async def work() -> None:
        async with connected(live[0], auth={"token": f"Bearer {key}"}) as client:
            answer = await client.call("subscribe:everything", workspaceId="w1")
            assert answer["ok"] is False
            assert "subscribe:workspace" in answer["error"]

    trying(work)


@pytest.mark.parametrize(
    ("auth", "code"), [({"token": "tm_live_nobody"}, "unauthorized"), ({"ticket": "tmt_nobody"}, "unauthorized")]
)
def test_refused_connection_has_a_code(live: tuple[str, Server], auth: dict[str, str], code: str) -> None:
    async def work() -> None:
        connection, said = socketio.AsyncClient(reconnection=False), asyncio.Event()
        errors: list[Any] = []

        async def note(error: Any) -> None:
            errors.append(error)
            said.set()

        connection.on("connect_error", note)
        with pytest.raises(Refused):
            await connection.connect(live[0], transports=["websocket"], auth=auth)
        assert errors[0]["data"] == {"code": code, "status": 401}

    trying(work)


def test_event_that_several_subscriptions_select_arrives_once(
    live: tuple[str, Server], key: str, announcer: Announcer
) -> None:
    def post_event(post: str, n: int) -> Event:
        return Event("metrics:post", "w1", {"metrics": {"followers": n}}, "a1", post)

    def rolled(n: int) -> Event:
        return Event("metrics:aggregated", "w1", {"metrics": {"followers": n}}, "a1")

    async def work() -> None:
        async with connected(live[0], auth={"token": key}) as client:
            assert await client.call("subscribe:post", postId="p1") == {"ok": True}
            assert await client.call("subscribe:aggregated", workspaceId="w1") == {"ok": True}
            await asyncio.to_thread(until, lambda: sum(len(c.subscribers) for c in channels(live[1])) == 2)
            mixed = [post_event("p1", 1), post_event("p2", 2), rolled(3)]
            await asyncio.to_thread(announcer.announce, "w1", mixed)
            assert await client.followers(2) == [1, 3]
            assert await client.call("subscribe:account", accountId="a1") == {"ok": True}
            await asyncio.to_thread(until, lambda: sum(len(c.subscribers) for c in channels(live[1])) == 3)
            await asyncio.to_thread(announcer.announce, "w1", mixed)
            assert sorted(await client.followers(3)) == [1, 2, 3]
            await asyncio.to_thread(announcer.announce, "w1", [rolled(4)])
            assert await client.followers(1) == [4]
            assert await client.call("subscribe:post", postId="p9") == {"ok": False, "error": NOTHING}
            assert await client.call("subscribe:aggregated", workspaceId="w2") == {"ok": False, "error": NOTHING}

    trying(work)


def test_origin_check_does_not_believe_a_forwarded_host(live: tuple[str, Server]) -> None:
    headers = {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}
    polling = {"EIO": "4", "transport": "polling"}
    assert httpx.get(f"{live[0]}/socket.io/", params=polling, headers=headers).status_code == 400


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_page_of_another_origin_gets_the_cors_header_once(seeded: Store, settings: Settings, method: str) -> None:
    page = "https://page.example"
    polling = {"EIO": "4", "transport": "polling"}
    with serving(settings.model_copy(update={"cors_origins": (page,)})) as url:
        headers = {"Origin": page} | ({"Access-Control-Request-Method": "POST"} if method == "OPTIONS" else {})
        answer = httpx.request(method, f"{url}/socket.io/", params=polling, headers=headers)
        other = httpx.get(f"{url}/socket.io/", params=polling, headers={"Origin": "https://other.example"})
    # Browsers refuse the header where it comes twice.
    assert (answer.status_code, answer.headers.get_list("access-control-allow-origin")) == (200, [page])
    assert (other.status_code, other.headers.get_list("access-control-allow-origin")) == (400, [])
