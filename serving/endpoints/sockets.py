"""Socket.IO, for clients written to the earlier interface: the same events, keys, tenancy and fan-out as the streams.

In: `subscribe:workspace {workspaceId}`, `subscribe:account {accountId}`, and `unsubscribe:` of both. Out: the three
`metrics:*` events, and `reset`; beside the data each carries `{id}`, which a client may hand to a later subscription as
`lastEventId`. An answer is `{ok: true}` or `{ok: false, error}`; an `error` event says the same.

The key comes in the handshake's `auth` as `token`, as a `ticket`, or in the `Authorization` header. Long polling needs
the same process for all requests of a session: with several, use websockets alone or a proxy that keeps to one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
import socketio
from engineio.packet import NOOP, Packet
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from metrics.errors import InvalidInput, NotFound, TidemarkError
from metrics.ids import check_id
from metrics.store.api_keys import ApiKey
from serving.auth import tickets
from serving.auth.authenticator import require, require_workspace
from serving.services import Services
from serving.stream import subscriber
from serving.stream.clients import Client
from serving.stream.follow import Follow
from serving.stream.frames import RESET, START, Frame
from serving.stream.subscriber import Subscriber
from serving.wire.problems import Problem, not_found
from serving.wire.protocol import ABORT

# Given loggers of ours, the libraries add no handlers of their own, which would write lines that are no JSON.
log = logging.getLogger(__name__)
wire_log = logging.getLogger(f"{__name__}.wire")
EVENTS = frozenset({"metrics:update", "metrics:post", "metrics:aggregated"})
MAX_SUBSCRIPTIONS = 200
_MAX_BYTES = 64 * 1024
_WAITING = 100
"""Packets that may wait in a connection's own queue; what comes then waits in ours, which is bounded."""
_ROOM_SECONDS = 0.05
Answer = dict[str, Any]


class _Json:
    """JSON as the rest of the process writes it."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


@dataclass(eq=False, slots=True)
class _Subscription(Subscriber):
    """A workspace, or one account of it that no subscription to the whole workspace covers."""

    session: "_Session | None" = None

    def wants(self, item: Frame) -> bool:
        covered = self.account_id is not None and self.session is not None and self.session.covers(self, item)
        # Two dots of `super()` do not work in a dataclass with slots.
        return not covered and Subscriber.wants(self, item)


@dataclass(eq=False, slots=True)
class _Session:
    """A connection: its key and what it subscribed to, by `workspace` or `account` and id."""

    parts: Services
    key: ApiKey
    client: Client | None = None
    abort: Callable[[], object] | None = None
    followed: dict[tuple[str, str], tuple[_Subscription, asyncio.Task[None]]] = field(default_factory=dict)

    def covers(self, one: Subscriber, item: Frame) -> bool:
        whole, _ = self.followed.get(("workspace", one.workspace_id), (None, None))
        return whole is not None and whole.joined and item.position > whole.after


class Sockets:
    """The Socket.IO server of one process; `app` is to be mounted at `/socket.io`."""

    def __init__(self, origins: Sequence[str]) -> None:
        for one in (log, wire_log):
            one.setLevel(logging.ERROR)
        self._server = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins=list(origins) or None,
            cors_credentials=False,
            max_http_buffer_size=_MAX_BYTES,
            json=_Json,
            logger=log,
            engineio_logger=wire_log,
        )
        self._wire = socketio.ASGIApp(self._server, socketio_path="/socket.io")
        self._sessions: dict[str, _Session] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        for kind, owner in (("workspace", self._workspace), ("account", self._account)):
            self._server.on(f"subscribe:{kind}", self._subscribing(kind, owner))
            self._server.on(f"unsubscribe:{kind}", self._unsubscribing(kind))

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a session that goes on over a websocket is cut there."""
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if scope["type"] == "websocket" and "sid" in asked:
            session = self._sessions.get(self._server.manager.sid_from_eio_sid(asked["sid"], "/") or "")
            if session is not None:
                session.abort = _abort(scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The application's middleware says them for all routes; browsers refuse them twice.
                kept = [one for one in message["headers"] if not one[0].lower().startswith(b"access-control-")]
                message["headers"] = kept
            await send(message)

        await self._wire(scope, receive, sending)

    async def close(self) -> None:
        """Stop what runs beside the connections."""
        for task in self._ending:
            task.cancel()
        for session in list(self._sessions.values()):
            await self._leave(session)
        await self._server.shutdown()

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        scope = environ["asgi.scope"]
        parts: Services = scope["app"].state.services
        try:
            key = await _key(parts, scope, auth if isinstance(auth, dict) else {})
            require(key, "read")
            parts.hub.clients.check(key)
        except (Problem, TidemarkError) as error:
            raise Refused(str(error)) from None
        session = self._sessions[sid] = _Session(parts, key)
        session.abort = _abort(scope) if scope["type"] == "websocket" else None
        session.client = parts.hub.clients.enter(key, lambda: self._end(sid))

    async def _disconnect(self, sid: str, *_: Any) -> None:
        session = self._sessions.pop(sid, None)
        if session is not None:
            await self._leave(session)
        connection = self._connection(sid)
        if connection is not None:
            # A poll that waits for what will not come holds its request for 45 s, and a stop of the server with it.
            connection.queue.put_nowait(Packet(NOOP))

    def _connection(self, sid: str) -> Any:
        return self._server.eio.sockets.get(self._server.manager.eio_sid_from_sid(sid, "/"))

    def _end(self, sid: str) -> None:
        task = asyncio.ensure_future(self._say_goodbye(sid))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _say_goodbye(self, sid: str) -> None:
        """Disconnect; a connection that is still there then is cut, as whoever reads no more never hears of it."""
        session = self._sessions.get(sid)
        await self._server.disconnect(sid)
        if session is not None and session.abort is not None:
            await asyncio.sleep(subscriber.STALLED_SECONDS)
            session.abort()

    async def _leave(self, session: _Session) -> None:
        if session.client is not None:
            session.parts.hub.clients.leave(session.client)
        for name in list(session.followed):
            await _unfollow(session, name)

    def _subscribing(self, kind: str, owner: Callable[[_Session, str], Awaitable[str]]) -> Any:
        async def subscribe(sid: str, data: Any = None) -> Answer:
            session = self._sessions.get(sid)
            try:
                if session is None:
                    raise InvalidInput("the connection is closed")
                named = _named(data, kind)
                await self._follow(sid, session, (kind, named), await owner(session, named), _after(data))
            except (Problem, TidemarkError) as error:
                return await self._refuse(sid, "There is nothing here under this id for this key."
                                          if isinstance(error, NotFound) else str(error))  # fmt: skip
            return {"ok": True}

        return subscribe

    def _unsubscribing(self, kind: str) -> Any:
        async def unsubscribe(sid: str, data: Any = None) -> Answer:
            session = self._sessions.get(sid)
            try:
                named = _named(data, kind)
            except InvalidInput as error:
                return await self._refuse(sid, str(error))
            if session is not None:
                await _unfollow(session, (kind, named))
            return {"ok": True}

        return unsubscribe

    async def _refuse(self, sid: str, error: str) -> Answer:
        await self._server.emit("error", {"error": error}, to=sid)
        return {"ok": False, "error": error}

    @staticmethod
    async def _workspace(session: _Session, workspace_id: str) -> str:
        require_workspace(session.key, workspace_id)
        if not await session.parts.threads.run(session.parts.store.accounts.find, workspace_id=workspace_id):
            raise not_found()
        return workspace_id

    @staticmethod
    async def _account(session: _Session, account_id: str) -> str:
        found = await session.parts.threads.run(session.parts.store.accounts.get, account_id)
        require_workspace(session.key, found["workspaceId"])
        return found["workspaceId"]

    async def _follow(
        self, sid: str, session: _Session, name: tuple[str, str], workspace_id: str, after: str | None
    ) -> None:
        if name in session.followed:
            return
        if len(session.followed) >= MAX_SUBSCRIPTIONS:
            raise InvalidInput(f"a connection has at most {MAX_SUBSCRIPTIONS} subscriptions")
        account = name[1] if name[0] == "account" else None
        subscription = _Subscription(workspace_id, account, events=EVENTS, session=session)
        session.followed[name] = subscription, asyncio.create_task(self._run(sid, session, subscription, after))

    async def _run(self, sid: str, session: _Session, subscription: _Subscription, after: str | None) -> None:
        async def give(frames: Sequence[Frame]) -> None:
            for item in frames:
                if item.event in EVENTS or item.event == RESET:
                    await self._room(sid, subscription)
                    named = {"id": f"{item.position[0]}-{item.position[1]}"} if item.position != START else {}
                    await self._server.emit(item.event, (orjson.loads(item.json), named), to=sid)

        await Follow(session.parts.hub, subscription, after, give).run()
        if subscription.lost is not None:
            self._end(sid)

    async def _room(self, sid: str, subscription: _Subscription) -> None:
        """Wait while the connection has more to send than it gets rid of."""
        while subscription.lost is None and not subscription.ended:
            connection = self._connection(sid)
            if connection is None or connection.queue.qsize() < _WAITING:
                return
            await asyncio.sleep(_ROOM_SECONDS)


def _abort(scope: Scope) -> Callable[[], object] | None:
    found: Callable[[], object] | None = (scope.get("extensions") or {}).get(ABORT)
    return found


async def _unfollow(session: _Session, name: tuple[str, str]) -> None:
    subscription, task = session.followed.pop(name, (None, None))
    if subscription is None or task is None:
        return
    subscription.end()
    if task is not asyncio.current_task():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _key(parts: Services, scope: Any, auth: dict[str, Any]) -> ApiKey:
    if isinstance(ticket := auth.get("ticket"), str):
        return await tickets.use(parts.redis, ticket)
    if isinstance(token := auth.get("token"), str):
        header = f"Bearer {token}".encode("utf-8", "replace")
        scope = {**scope, "type": "http", "headers": [(b"authorization", header)]}
    return await parts.auth.authenticate(Request({**scope, "type": "http"}))


def _named(data: Any, kind: str) -> str:
    name = f"{kind}Id"
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise InvalidInput(f"send {{{name}: …}}", name)
    return check_id(found, name)


def _after(data: Any) -> str | None:
    after = data.get("lastEventId")
    if after is not None and not (isinstance(after, str) and len(after) <= 64):
        raise InvalidInput("lastEventId: the id of an event, as a string", "lastEventId")
    return after
