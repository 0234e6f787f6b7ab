"""State of the simulator between calls, and the types of a request and its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from functools import cached_property, lru_cache
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, unquote

import orjson

from metrics.documents import Platform
from simulator.clock import Clock
from simulator.faults import Faults, Target
from simulator.world import SimAccount, World, slug

DEAD = "calls with a dead token"
Fate = Literal["suspended", "deleted"]
_BETWEEN_NAMES = re.compile("[/?&=,()]")


@dataclass
class State:
    """Faults, clock, dead tokens and call counts; `memory` holds state of the APIs, by keys that they choose."""

    world: World
    clock: Clock
    faults: Faults
    dead_tokens: set[str] = field(default_factory=set)
    calls: dict[str, int] = field(default_factory=dict)
    calls_by_account: dict[str, int] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def is_dead(self, token: str, account: SimAccount, aim: Target | None = None) -> bool:
        """Tell whether a token is dead, or dies on this call. Later calls with it are counted as `DEAD`."""
        aim = aim or Target(self.faults, account.platform_account_id, frozenset(), "", None)
        if token in self.dead_tokens:
            self.count(DEAD, account.platform_account_id)
            return True
        if aim.strike("expired_token"):
            self.dead_tokens.add(token)
        return token in self.dead_tokens

    def handle(self, account: SimAccount, aim: Target | None = None) -> str:
        """Return the present handle of an account, which a fault may have renamed."""
        fault = (aim or self._nowhere()).strike_account("rename", account.platform_account_id)
        return str(fault.value) if fault else account.handle

    def named(self, platform: Platform, handle: str, aim: Target | None = None) -> SimAccount | None:
        """Return the account that has a handle at present, or None; handles are compared in lower case."""
        requested = slug(handle, ".").lower()
        for fault in self.faults.active:
            renamed = fault.kind == "rename" and fault.times != 0 and slug(str(fault.value), ".").lower() == requested
            if renamed and (account := self.world.find(platform, fault.account or "")):
                return account
        account = self.world.named(platform, requested)
        gone = account is not None and (aim or self._nowhere()).strike_account("rename", account.platform_account_id)
        return None if gone else account

    def fate(self, account: SimAccount, aim: Target) -> Fate | None:
        """Return whether an account is suspended or deleted, or None if it is neither."""
        fates: tuple[Fate, ...] = ("suspended", "deleted")
        return next((fate for fate in fates if aim.strike_account(fate, account.platform_account_id)), None)

    def _nowhere(self) -> Target:
        return Target(self.faults, None, frozenset(), "", None)

    def count(self, kind: str, account: str) -> None:
        """Count one call; every element of a batch counts as one."""
        self.calls[kind] = self.calls.get(kind, 0) + 1
        self.calls_by_account[account] = self.calls_by_account.get(account, 0) + 1


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` and `query` are as sent, still percent-encoded; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    @property
    def params(self) -> dict[str, str]:
        """The decoded parameters of the query and of the body, as a new dict; the last value of a name wins."""
        return dict(self._params)

    @cached_property
    def _params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query)) | self._sent()

    def _sent(self) -> dict[str, str]:
        """Return the parameters of the body: JSON or a form of either kind, also without a content type."""
        kind = self.headers.get("content-type", "")
        if not self.body or "json" in kind:
            return _of_json(self.body)
        if "multipart" in kind:
            parts = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + self.body).walk()
            named = {part.get_param("name", header="content-disposition"): part for part in parts}
            return {str(n): _text(part.get_payload(decode=True)) for n, part in named.items() if n}
        return dict(parse_qsl(self.body.decode(errors="replace"))) if "form-urlencoded" in kind or not kind else {}

    @cached_property
    def plain_path(self) -> str:
        """The path without its percent-encoding."""
        return unquote(self.path)

    @cached_property
    def names(self) -> frozenset[str]:
        """All parts of the path and the query that may be the id of an object, including the last part of a URN."""
        found = _BETWEEN_NAMES.split(unquote(f"{self.path}&{self.query}"))
        found += [value for _, value in parse_qsl(self.query)]
        return frozenset([*found, *(name.rpartition(":")[2] for name in found if name.startswith("urn:"))])

    @property
    def bearer(self) -> str | None:
        """The token of the Authorization header."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip() or None


@dataclass
class Answer:
    """Status, headers and body: bytes are a file, everything else is sent as JSON.

    `patched` says that the API has already applied all patches.
    """

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    patched: bool = False


class Api(Protocol):
    """API of one platform, or of several that share it."""

    def serves(self, path: str) -> bool:
        """Tell whether this API serves a path."""
        ...

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose token a request carries, if any."""
        ...

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of a list, 1 for the first; None if the answer is not paged."""
        ...

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        ...


def target(state: State, api: Api, request: Request) -> Target:
    """Return the properties of a call by which faults select it; empty ones while no faults are active."""
    if not state.faults.active:
        return Target(state.faults, None, frozenset(), "", None)
    account = api.account(request)
    account_id = account.platform_account_id if account else None
    return Target(state.faults, account_id, request.names, request.plain_path, api.page(request))


def _of_json(body: bytes) -> dict[str, str]:
    try:
        found = orjson.loads(body)
    except ValueError:
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in items}


def _text(payload: object) -> str:
    return payload.decode().removesuffix("\n") if isinstance(payload, bytes) else ""


@lru_cache(maxsize=16_384)
def graph_timestamp(now: datetime) -> str:
    """Return an instant as the Graph API writes it, `2026-04-06T17:50:09+0000`; cached, as posts are listed often."""
    return now.isoformat(timespec="seconds")[:19] + "+0000"
