"""The packets of Engine.IO and Socket.IO that a client may send, checked before the library parses them.

python-engineio and python-socketio answer a malformed packet with a traceback in the log and read on, and they call the
handlers of `connect` and `disconnect` for events that a client gives these names. A client of this server sends text
packets only (https://socket.io/docs/v4/engine-io-protocol, https://socket.io/docs/v4/socket-io-protocol).
"""

import re

import orjson
from starlette.types import Message, Receive, Send

_SEPARATOR = "\x1e"
"""Between the packets of one long-polling request."""
_RESERVED = ("connect", "disconnect", "connect_error")
_HEAD = re.compile(r"(?:/[^,]*,)?([0-9]{1,18})?")
"""After the type of a Socket.IO packet: an optional namespace and an optional id of its acknowledgement."""
_PING, _PONG, _MESSAGE, _CLOSE, _UPGRADE, _NOOP = "2", "3", "4", "1", "5", "6"
_POLICY_VIOLATION = 1008
_CONNECT, _DISCONNECT, _EVENT, _ACK = "0", "1", "2", "3"


def is_well_formed(packet: str) -> bool:
    """Tell whether a text is one packet that a client may send."""
    kind, rest = packet[:1], packet[1:]
    if kind == _MESSAGE:
        return _is_message(rest)
    if kind in (_PING, _PONG):
        return rest in ("", "probe")
    return kind in (_CLOSE, _UPGRADE, _NOOP) and rest == ""


def _is_message(text: str) -> bool:
    kind, rest = text[:1], text[1:]
    head = _HEAD.match(rest)
    body = rest[head.end() :] if head else rest
    if kind == _DISCONNECT:
        return body == ""
    if kind == _CONNECT:
        return body == "" or isinstance(_parsed(body), dict)
    if kind not in (_EVENT, _ACK):
        return False
    items = _parsed(body)
    if not isinstance(items, list):
        return False
    return kind == _ACK or (bool(items) and isinstance(items[0], str) and items[0] not in _RESERVED)


def _parsed(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def checked_websocket(receive: Receive, send: Send) -> Receive:
    """Return a `receive` that closes the websocket at the first malformed packet."""

    async def checked() -> Message:
        message = await receive()
        if message["type"] != "websocket.receive" or is_well_formed(message.get("text") or ""):
            return message
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}

    return checked


async def checked_body(receive: Receive) -> Receive | None:
    """Return a `receive` with the body of a long-polling request, or None if a packet in it is malformed."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return receive
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if body and not all(is_well_formed(packet) for packet in body.decode("utf-8", "replace").split(_SEPARATOR)):
        return None
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again
