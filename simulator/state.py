"""What the simulator remembers between calls, and the plain form of a request and its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from functools import cached_property
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
    """Faults, the clock, dead tokens, counts of calls; `memory` is each API's own, by a name of its choice."""

    world: World
    clock: Clock
    faults: Faults
    dead_tokens: set[str] = field(default_factory=set)
    calls: dict[str, int] = field(default_factory=dict)
    calls_by_account: dict[str, int] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def is_dead(self, token: str, account: SimAccount, aim: Target | None = None) -> bool:
        """Tell whether a token has ended; the call on which it ends is the last one that should be made with it."""
        aim = aim or Target(self.faults, account.platform_account_id, frozenset(), "", None)
        if token in self.dead_tokens:
            self.count(DEAD, account.platform_account_id)
            return True
        if aim.strike("expired_token"):
            self.dead_tokens.add(token)
        return token in self.dead_tokens

    def handle(self, account: SimAccount, aim: Target | None = None) -> str:
        """Return the handle that an account has now: it may have been renamed."""
        fault = (aim or self._nowhere()).befalls("rename", account.platform_account_id)
        return str(fault.value) if fault else account.handle

    def named(self, platform: Platform, handle: str, aim: Target | None = None) -> SimAccount | None:
        """Return the account that has a handle now, or None where there is none; handles are compared in lower case."""
        asked = slug(handle, ".").lower()
        for fault in self.faults.active:
            renamed = fault.kind == "rename" and fault.times != 0 and slug(str(fault.value), ".").lower() == asked
            if renamed and (account := self.world.find(platform, fault.account or "")):
                return account
        account = self.world.named(platform, asked)
        gone = account is not None and (aim or self._nowhere()).befalls("rename", account.platform_account_id)
        return None if gone else account

    def fate(self, account: SimAccount, aim: Target) -> Fate | None:
        """Return what became of an account, or None where it is as it was."""
        fates: tuple[Fate, ...] = ("suspended", "deleted")
        return next((fate for fate in fates if aim.befalls(fate, account.platform_account_id)), None)

    def _nowhere(self) -> Target:
        return Target(self.faults, None, frozenset(), "", None)

    def count(self, kind: str, account: str) -> None:
        """Count one call; every element of a batch is one."""
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
        """The decoded parameters of the query and of a form body, the caller's own; the last of a name wins."""
        return dict(self._params)

    @cached_property
    def _params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query)) | self._sent()

    def _sent(self) -> dict[str, str]:
        """Return the parameters of the body: a form of either kind, also one that does not say so, or JSON."""
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
        """All that may be the id of an object, in the path and in the query: a URN, and the number at its end."""
        found = _BETWEEN_NAMES.split(unquote(f"{self.path}&{self.query}"))
        return frozenset([*found, *(name.rpartition(":")[2] for name in found if name.startswith("urn:"))])

    @property
    def bearer(self) -> str | None:
        """The token of the Authorization header."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip() or None


@dataclass
class Answer:
    """Status, JSON body and headers. `patched`: its API has put the patches of `simulator.patches` into it itself."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    patched: bool = False


class Api(Protocol):
    """One API, as a platform or a family of them speaks it."""

    def serves(self, path: str) -> bool:
        """Tell whether a path is this API's."""
        ...

    def account(self, request: Request) -> SimAccount | None:
        """Return whose token a request carries, if it carries one."""
        ...

    def page(self, request: Request) -> int | None:
        """Return which page of a list is asked for, 1 for the first; None where it is no list of pages."""
        ...

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        ...


def target(state: State, api: Api, request: Request) -> Target:
    """Return a call as faults see it; where there are none, nobody looks."""
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


def moment(now: datetime) -> str:
    """Return an instant as the Graph API writes it, `2026-04-06T17:50:09+0000`."""
    return now.isoformat(timespec="seconds")[:19] + "+0000"
