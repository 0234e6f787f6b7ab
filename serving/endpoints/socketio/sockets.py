"""Socket.IO server for clients of the earlier interface: the same events, keys, tenancy and fan-out as the streams.

Client to server: `subscribe:workspace` and `subscribe:aggregated` with `{workspaceId}`, `subscribe:account` with
`{accountId}`, `subscribe:post` with `{postId}`, and the same with `unsubscribe:`. The acknowledgement is `{ok: true}`
or `{ok: false, error}`; an `error` event repeats the error. Server to client: the three `metrics:*` events,
`alert:fired`, `post:breakout`, and `reset`. After its data, each event carries `{id}`, which a client may send with a
later subscription as `lastEventId`.

The credential is the `token` or the `ticket` in the handshake's `auth`, or the `Authorization` header. All long-polling
requests of a session must reach the same process. With several processes, use websockets alone or a proxy with sticky
sessions.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson
import socketio
from engineio.packet import NOOP, Packet
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from metrics.errors import InvalidInput, NotFound, TidemarkError
from metrics.ids import check_id
from metrics.store.api_keys import ApiKey
from serving.auth import tickets
from serving.auth.authenticator import require, require_workspace
from serving.endpoints.access import require_existing
from serving.endpoints.socketio.sessions import KINDS, Session, Subscription
from serving.endpoints.socketio.sign_ins import SignIns
from serving.services import Services
from serving.stream import subscriber
from serving.stream.follow import Follow
from serving.stream.frames import RESET, START, Frame
from serving.wire import slow_refusals
from serving.wire.problems import SLUGS, Problem, not_found
from serving.wire.protocol import ABORT
from serving.wire.socketio_packets import checked_body, checked_websocket

# Given these loggers, the libraries add no handlers of their own, which would write lines that are not JSON.
log = logging.getLogger(__name__)
wire_log = logging.getLogger(f"{__name__}.wire")
EVENTS = frozenset(
    {"metrics:update", "metrics:post", "metrics:aggregated", "alert:fired", "post:breakout", "benchmark:updated"}
)
MAX_SUBSCRIPTIONS = 200
_MAX_BYTES = 64 * 1024
_MAX_PACKETS = 100
"""Packets that may wait in a connection's own queue, which is unbounded. Further events wait in the subscriber's queue,
which is bounded."""
_POLL_SECONDS = 0.05
_CLOSE_SECONDS = 1.0
_SHOWN = 60
Answer = dict[str, Any]


class _Json:
    """Lets the library encode JSON with orjson, like the rest of the process."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class _Server(socketio.AsyncServer):  # type: ignore[misc]  # the library has no types
    """The library's server; each Engine.IO connection has to sign in within a time, and few may wait for that."""

    def __init__(self, waiting: "SignIns", **options: Any) -> None:
        super().__init__(**options)
        self._waiting = waiting

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> bool | str:
        if not self._waiting.begin(eio_sid, environ["asgi.scope"]):
            return "too many connections from this address have not signed in"
        await super()._handle_eio_connect(eio_sid, environ)
        return True

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        self._waiting.end(eio_sid)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a new connection before the library has any work with it.

    Raises:
        Problem: 429, unless it is a websocket, which is closed before it is accepted.
    """
    if scope["type"] != "websocket":
        raise Problem(429, "Too many connections have not signed in.", headers={"Retry-After": "10"})
    await receive()
    await slow_refusals.wait()
    await send({"type": "websocket.close"})


class Sockets:
    """The Socket.IO server of one process; mount `app` at `/socket.io`."""

    def __init__(self, origins: Sequence[str]) -> None:
        for logger in (log, wire_log):
            logger.setLevel(logging.ERROR)
        self._sign_ins = SignIns(self._drop)
        self._server = _Server(
            self._sign_ins,
            async_mode="asgi",
            cors_allowed_origins=list(origins) or None,
            cors_credentials=False,
            max_http_buffer_size=_MAX_BYTES,
            json=_Json,
            logger=log,
            engineio_logger=wire_log,
        )
        self._wire = socketio.ASGIApp(self._server, socketio_path="/socket.io")
        self._sessions: dict[str, Session] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        for kind in KINDS:
            self._server.on(f"subscribe:{kind}", self._subscribing(kind))
            self._server.on(f"unsubscribe:{kind}", self._unsubscribing(kind))
        self._server.on("*", self._unknown_event)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a websocket; note how to abort a session that is upgraded to a websocket."""
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if "sid" not in query and self._sign_ins.are_too_many(scope):
            await _refuse(scope, receive, send)
            return
        if scope["type"] == "websocket" and "sid" in query:
            session = self._sessions.get(self._server.manager.sid_from_eio_sid(query["sid"], "/") or "")
            if session is not None:
                session.abort = _abort(scope)
        # The library would accept pages of any origin that this header names.
        headers = [header for header in scope["headers"] if header[0] != b"x-forwarded-host"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The application's middleware sets the CORS headers for all routes; browsers refuse duplicates.
                headers = message["headers"]
                message["headers"] = [h for h in headers if not h[0].lower().startswith(b"access-control-")]
            await send(message)

        checked = checked_websocket(receive, send) if scope["type"] == "websocket" else await checked_body(receive)
        if checked is None:
            await self._drop(query.get("sid", ""), None)
            await Response("malformed packet", 400)(scope, receive, sending)
            return
        await self._wire({**scope, "headers": headers}, checked, sending)

    async def close(self) -> None:
        """End all sessions and their background tasks."""
        self._sign_ins.close()
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
            parts.hub.clients.refuse_above_limit(key)
        except (Problem, TidemarkError) as error:
            status = error.status if isinstance(error, Problem) else 503
            raise Refused(str(error), {"code": SLUGS[status], "status": status}) from None
        session = self._sessions[sid] = Session(parts, key)
        session.abort = _abort(scope) if scope["type"] == "websocket" else None
        session.client = parts.hub.clients.enter(key, lambda: self._end(sid))
        self._sign_ins.end(self._server.manager.eio_sid_from_sid(sid, "/"))

    async def _disconnect(self, sid: str, *_: Any) -> None:
        session = self._sessions.pop(sid, None)
        if session is not None:
            await self._leave(session)
        connection = self._connection(sid)
        if connection is not None:
            # The client may sign in again; a connection that does not is ended.
            self._sign_ins.begin(connection.sid, self._server.environ.get(connection.sid, {}).get("asgi.scope", {}))
            # A long poll would wait up to 45 s for a packet, and a stop of the server would wait for the poll.
            connection.queue.put_nowait(Packet(NOOP))

    def _connection(self, sid: str) -> Any:
        return self._server.eio.sockets.get(self._server.manager.eio_sid_from_sid(sid, "/"))

    def _end(self, sid: str) -> None:
        task = asyncio.ensure_future(self._disconnect_or_abort(sid))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _disconnect_or_abort(self, sid: str) -> None:
        """Disconnect a client, and abort the connection later, because a client that does not read stays connected."""
        session = self._sessions.get(sid)
        await self._server.disconnect(sid)
        if session is not None and session.abort is not None:
            await asyncio.sleep(subscriber.STALLED_SECONDS)
            session.abort()

    async def _leave(self, session: Session) -> None:
        if session.client is not None:
            session.parts.hub.clients.leave(session.client)
        for name in list(session.followed):
            await _unfollow(session, name)

    async def _drop(self, eio_sid: str, abort: Callable[[], object] | None) -> None:
        """End a connection. A websocket is aborted a moment later, also if its client does not read."""
        connection = self._server.eio.sockets.get(eio_sid)
        if connection is not None:
            await connection.close(wait=False)
        if abort is not None:
            asyncio.get_running_loop().call_later(_CLOSE_SECONDS, abort)

    async def _unknown_event(self, event: str, sid: str, *_: Any) -> Answer:
        known = ", ".join(f"{verb}:{kind}" for verb in ("subscribe", "unsubscribe") for kind in KINDS)
        return await self._refuse(sid, f"there is no event {event[:_SHOWN]}; send one of {known}")

    def _subscribing(self, kind: str) -> Any:
        async def subscribe(sid: str, data: Any = None) -> Answer:
            session = self._sessions.get(sid)
            try:
                if session is None:
                    raise InvalidInput("the connection is closed")
                subject_id = _subject_id(data, kind)
                workspace_id = await _OWNERS[kind](session, subject_id)
                await self._follow(sid, session, (kind, subject_id), workspace_id, _after(data))
            except (Problem, TidemarkError) as error:
                return await self._refuse(sid, str(not_found() if isinstance(error, NotFound) else error))
            return {"ok": True}

        return subscribe

    def _unsubscribing(self, kind: str) -> Any:
        async def unsubscribe(sid: str, data: Any = None) -> Answer:
            session = self._sessions.get(sid)
            try:
                subject_id = _subject_id(data, kind)
            except InvalidInput as error:
                return await self._refuse(sid, str(error))
            if session is not None:
                await _unfollow(session, (kind, subject_id))
            return {"ok": True}

        return unsubscribe

    async def _refuse(self, sid: str, error: str) -> Answer:
        await self._server.emit("error", {"error": error}, to=sid)
        return {"ok": False, "error": error}

    async def _follow(
        self, sid: str, session: Session, name: tuple[str, str], workspace_id: str, after: str | None
    ) -> None:
        if name in session.followed:
            return
        if len(session.followed) >= MAX_SUBSCRIPTIONS:
            raise InvalidInput(f"a connection may have at most {MAX_SUBSCRIPTIONS} subscriptions")
        kind, subject_id = name
        subscription = Subscription(
            workspace_id,
            subject_id if kind == "account" else None,
            subject_id if kind == "post" else None,
            events=frozenset({"metrics:aggregated"}) if kind == "aggregated" else EVENTS,
            session=session,
            kind=kind,
        )
        session.followed[name] = subscription, asyncio.create_task(self._run(sid, session, subscription, after))

    async def _run(self, sid: str, session: Session, subscription: Subscription, after: str | None) -> None:
        async def deliver(frames: Sequence[Frame]) -> None:
            for item in frames:
                if item.event in EVENTS or item.event == RESET:
                    await self._wait_for_room(sid, subscription)
                    position = {"id": f"{item.position[0]}-{item.position[1]}"} if item.position != START else {}
                    await self._server.emit(item.event, (orjson.loads(item.json), position), to=sid)

        try:
            await Follow(session.parts.hub, subscription, after, deliver).run()
        except Exception:
            log.exception("a subscription failed; its connection is ended, so that the client connects again")
            self._end(sid)
        if subscription.lost is not None:
            self._end(sid)

    async def _wait_for_room(self, sid: str, subscription: Subscription) -> None:
        """Wait while the connection's queue is full (back-pressure)."""
        while subscription.lost is None and not subscription.ended:
            connection = self._connection(sid)
            if connection is None or connection.queue.qsize() < _MAX_PACKETS:
                return
            await asyncio.sleep(_POLL_SECONDS)


def _abort(scope: Scope) -> Callable[[], object] | None:
    found: Callable[[], object] | None = (scope.get("extensions") or {}).get(ABORT)
    return found


async def _workspace(session: Session, workspace_id: str) -> str:
    require_workspace(session.key, workspace_id)
    await session.parts.threads.run(require_existing, session.parts.store, session.key, workspace_id)
    return workspace_id


async def _workspace_of_account(session: Session, account_id: str) -> str:
    found = await session.parts.threads.run(session.parts.store.accounts.get, account_id)
    require_workspace(session.key, found["workspaceId"])
    return found["workspaceId"]


async def _workspace_of_post(session: Session, post_id: str) -> str:
    found = await session.parts.threads.run(session.parts.store.posts.get, post_id)
    require_workspace(session.key, found["workspaceId"])
    return found["workspaceId"]


_OWNERS: dict[str, Callable[[Session, str], Awaitable[str]]] = {
    "workspace": _workspace,
    "aggregated": _workspace,
    "account": _workspace_of_account,
    "post": _workspace_of_post,
}
"""Return the workspace that a subscription of each kind follows, if the key may see it."""


async def _unfollow(session: Session, name: tuple[str, str]) -> None:
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
        found = await tickets.find(parts.redis, ticket)
        await tickets.use(parts.redis, found)
        return found.key
    if isinstance(token := auth.get("token"), str):
        header = f"Bearer {token.removeprefix('Bearer ')}".encode("utf-8", "replace")
        scope = {**scope, "type": "http", "headers": [(b"authorization", header)]}
    return await parts.auth.authenticate(Request({**scope, "type": "http"}))


def _subject_id(data: Any, kind: str) -> str:
    name = "workspaceId" if kind == "aggregated" else f"{kind}Id"
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise InvalidInput(f"send {{{name}: …}}", name)
    return check_id(found, name)


def _after(data: Any) -> str | None:
    after = data.get("lastEventId")
    if after is not None and not (isinstance(after, str) and len(after) <= 64):
        raise InvalidInput("lastEventId: must be the id of an event, as a string", "lastEventId")
    return after
