"""Simulated Threads API, version v1.0: routing, tokens, budget and profiles (docs/platform-facts.md#threads).

The simulator serves all platforms on one port. Threads answers paths below its version, `/v1.0/…`, and below its hosts,
`/graph.threads.net/…`. Paths of tokens are those of Instagram Login as well: on the shared port, the grant decides.
"""

import re
from dataclasses import replace
from typing import Any

from simulator.faults import Target
from simulator.graph.call import Call, parse
from simulator.graph.errors import GraphError
from simulator.graph.listing import page_number
from simulator.graph.localised import localised
from simulator.logins import CODE_PREFIX
from simulator.state import Answer, Api, Request, State, target
from simulator.threads import tokens
from simulator.threads.budget import Budget
from simulator.threads.discovery import profile_lookup, profile_posts
from simulator.threads.errors import error, forbidden, missing, no_field
from simulator.threads.insights import account_insights, post_insights
from simulator.threads.posts import LISTS, Item, listed, media_fields, replies_to
from simulator.threads.world import extra
from simulator.world import SimAccount, SimPost, display_name

HOSTS = ("graph.threads.net", "graph.threads.com")
VERSION = "v1.0"
_VERSION_LIKE = re.compile(r"v\d+\.\d+")
_PUBLIC = {"profile_lookup": profile_lookup, "profile_posts": profile_posts}
_PROFILE = "ThreadsUser"
_PUBLISHED = {"quota_usage": 0, "config": {"quota_total": 250, "quota_duration": 86_400}}


class Threads:
    """The Threads API; `graph` answers requests for tokens on the shared port that are not of Threads."""

    def __init__(self, state: State, graph: Api) -> None:
        self.state = state
        self._graph = graph
        self._budget = Budget(state)

    def serves(self, path: str) -> bool:
        """Tell whether a path is below the version or a host of Threads, or one of the shared paths of tokens."""
        first, _, _ = path.strip("/").partition("/")
        return first in (*HOSTS, VERSION) or path.strip("/") in tokens.PATHS

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose token a request carries in its header, query or form."""
        if self._is_others(request):
            return self._graph.account(request)
        return self.state.world.of_token(request.params.get("access_token") or request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of a list."""
        if self._is_others(request):
            return self._graph.page(request)
        edge = request.path.rstrip("/").rpartition("/")[2]
        return page_number(request.params) if edge in (*LISTS, "profile_posts") else None

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        if self._is_others(request):
            return self._graph.handle(request)
        aim = target(self.state, self, request)
        headers: dict[str, str] = {}
        try:
            return Answer(200, self._answer(request, aim, headers), headers)
        except GraphError as raised:
            fault = aim.strike("localised")
            return Answer(
                raised.status, {"error": localised(raised.body, str(fault.value)) if fault else raised.body}, headers
            )

    def _is_others(self, request: Request) -> bool:
        """Tell whether a request for a token on the shared port is one of the Graph API."""
        if request.path.strip("/") not in tokens.PATHS:
            return False
        of_threads = request.params.get("code", "").startswith(f"{CODE_PREFIX}threads.")
        return not of_threads and not request.params.get("grant_type", "").startswith("th_")

    def _answer(self, request: Request, aim: Target, headers: dict[str, str]) -> Any:
        host, path = _at_host(request.path)
        base_url = f"{request.base_url}/{host}" if host else request.base_url
        if path in tokens.PATHS:
            return tokens.answer(self.state, path, request, aim)
        version, _, rest = path.partition("/")
        if version != VERSION:
            known = _VERSION_LIKE.fullmatch(version) is None
            raise error(2500, f"Unknown path components: /{path}" if known else f"Unknown version: {version}")
        params = request.params
        account = tokens.authenticate(self.state, params.pop("access_token", None) or request.bearer, aim)
        headers |= self._budget.headers(account)
        self._budget.check(account, aim)
        self._budget.take(account, self.state.clock.now())
        name, _, edge = rest.partition("/")
        if name == "debug_token" and not edge:
            return tokens.told(self.state, params.get("input_token", ""))
        self.state.count(edge or ("node" if name not in _PUBLIC else name), account.platform_account_id)
        call = Call(self.state, account, account, params, base_url, VERSION, self.state.clock.now(), aim)
        return self._object(call, name, edge)

    def _object(self, call: Call, name: str, edge: str) -> Any:
        account_id = call.account.platform_account_id
        if name in _PUBLIC and not edge:
            return _PUBLIC[name](call)
        if call.aim.strike("permission"):
            raise forbidden()
        if fate := self.state.fate(call.account, call.aim):
            raise missing(name) if fate == "deleted" else forbidden()
        if name in ("me", account_id):
            # A fault may select the account by its id, even if the path calls it `me`.
            aim = replace(call.aim, names=call.aim.names | {account_id})
            return _profile(replace(call, aim=aim), edge)
        item = _item(call, name)
        if item is None or call.aim.hides(name):
            raise missing(name)
        return _media(call, item, edge)


def _profile(call: Call, edge: str) -> Any:
    """Answer a read of the token's own profile, or of one of its edges."""
    if edge in ("threads", "replies"):
        return listed(call, edge)
    if edge == "threads_insights":
        return account_insights(call)
    if edge == "threads_publishing_limit":
        wanted = {one.name for one in parse(call.params.get("fields", "quota_usage"))}
        return {"data": [{name: value for name, value in _PUBLISHED.items() if name in wanted}]}
    if edge:
        raise no_field(edge, _PROFILE)
    handle = call.state.handle(call.account, call.aim)
    known = {
        "id": call.account.platform_account_id,
        "username": handle,
        "name": display_name(handle),
        "threads_profile_picture_url": f"{call.base_url}/picture/{call.account.index}",
        "threads_biography": "Simulated.",
        "is_verified": False,
    }
    found = {}
    for one in parse(call.params.get("fields", "id")):
        if one.name not in known:
            raise no_field(one.name, _PROFILE)
        found[one.name] = known[one.name]
    return {**found, "id": known["id"]}


def _item(call: Call, name: str) -> Item | None:
    """Return the post, repost or reply with an id, if it exists and belongs to the token's account."""
    post = call.state.world.post("threads", name)
    if post is not None:
        return post if post.account_index == call.account.index and post.visible(call.now) else None
    found = extra(call.state.world, name)
    if found is None or found[0] != call.account.index or found[1].published_at > call.now:
        return None
    return found[1]


def _media(call: Call, item: Item, edge: str) -> Any:
    """Answer a read of an item, or of one of its edges."""
    if not edge:
        return media_fields(call, parse(call.params.get("fields", "id")), item)
    if edge == "insights":
        return post_insights(call, item)
    if edge in ("replies", "conversation"):
        return replies_to(call, item) if isinstance(item, SimPost) else {"data": []}
    raise no_field(edge, "ThreadsMedia")


def _at_host(path: str) -> tuple[str, str]:
    """Return the host at the beginning of a path, if any, and the rest without outer slashes."""
    first, _, rest = path.strip("/").partition("/")
    return (first, rest) if first in HOSTS else ("", path.strip("/"))
