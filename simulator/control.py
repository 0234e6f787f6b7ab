"""Control routes `/_control/…` of the simulator, for tests and manual use.

A request with an unknown field or parameter is refused in one line and changes nothing.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.documents import Platform
from simulator import truth
from simulator.audience import audience_of
from simulator.bill import total
from simulator.curves import curve_of
from simulator.events import Event
from simulator.faults import Fault
from simulator.standing import standing
from simulator.state import State
from simulator.wire import encode_json
from simulator.world import EPOCH, SimAccount, account_seed

LONGEST_LATENCY_MS = 60_000
MOST_ACCOUNTS = 10_000
FIRST, LAST = EPOCH - timedelta(days=3_650), EPOCH + timedelta(days=36_500)

Handler = Callable[[Request], Awaitable[Response]]


class Control:
    """Handlers that read and set clock, faults, events, latency and call counts, and tell the truth."""

    def __init__(self, state: State, latency_ms: float) -> None:
        self.state = state
        self.latency_ms = latency_ms

    def routes(self) -> list[Route]:
        """Return the routes, each with its methods and its known parameters."""
        return [
            Route("/_control/clock", _strict(self.clock), methods=["GET", "PUT", "DELETE"]),
            Route("/_control/faults", _strict(self.faults), methods=["GET", "PUT", "DELETE"]),
            Route("/_control/latency", _strict(self.latency), methods=["GET", "PUT"]),
            Route("/_control/calls", _strict(self.calls), methods=["GET", "DELETE"]),
            Route("/_control/reset", _strict(self.reset), methods=["POST"]),
            Route("/_control/truth", _strict(self.truth, "object", "field", "instant", "period"), methods=["GET"]),
            Route("/_control/public", _strict(self.public, "object"), methods=["GET"]),
            Route("/_control/bill", _strict(self.bill), methods=["GET"]),
            Route("/_control/audience", _strict(self.audience, "object"), methods=["GET"]),
            Route("/_control/ranks", _strict(self.ranks, "objects", "field", "instant", "period"), methods=["GET"]),
            Route("/_control/events", _strict(self.events, "object", "id"), methods=["GET", "POST", "DELETE"]),
            Route("/_control/accounts", _strict(self.accounts, "platform", "count"), methods=["GET"]),
        ]

    async def clock(self, request: Request) -> Response:
        """`GET` the time, `PUT {"now": "…"}` to set it, `DELETE` to return to the real time."""
        if request.method == "PUT":
            try:
                (text,) = _only(await request.json(), "now")
                instant = datetime.fromisoformat(text)
                if not FIRST <= instant < LAST:
                    return _refuse(f"the simulated time lies between {FIRST:%Y-%m-%d} and {LAST:%Y-%m-%d}")
                self.state.clock.set(instant)
            except (ValueError, KeyError, TypeError):
                return _refuse('send {"now": "2026-01-15T10:00:00+00:00"}')
        elif request.method == "DELETE":
            self.state.clock.reset()
        return _json({"now": self.state.clock.now()})

    async def faults(self, request: Request) -> Response:
        """`PUT` a list of faults, `DELETE` all (dead tokens work again), or `GET` them; `struck` counts the hits."""
        if request.method == "PUT":
            try:
                requested = await request.json()
                if not isinstance(requested, list):
                    return _refuse("send a list of faults")
                faults = [_fault(number, value) for number, value in enumerate(requested, 1)]
                self.state.faults.put(faults, self.state.clock.now())
            except (ValueError, TypeError, RecursionError) as error:
                return _refuse(str(error))
        elif request.method == "DELETE":
            self.state.faults.put([], self.state.clock.now())
            self.state.dead_tokens.clear()
        return _json([vars(fault) for fault in self.state.faults.active])

    async def latency(self, request: Request) -> Response:
        """`PUT {"ms": 100}`: every answer takes that long, or longer if computing it does."""
        if request.method == "PUT":
            try:
                (value,) = _only(await request.json(), "ms")
                milliseconds = float(value)
            except (ValueError, KeyError, TypeError):
                milliseconds = -1.0
            if not 0 <= milliseconds <= LONGEST_LATENCY_MS:
                return _refuse('send {"ms": 100}')
            self.latency_ms = milliseconds
        return _json({"ms": self.latency_ms})

    async def calls(self, request: Request) -> Response:
        """`GET` the numbers of calls by kind and by account; `DELETE` resets them to zero."""
        if request.method == "DELETE":
            self.state.calls.clear()
            self.state.calls_by_account.clear()
        return _json({"byKind": self.state.calls, "byAccount": self.state.calls_by_account})

    async def reset(self, _request: Request) -> Response:
        """`POST`: return to the real time, without faults, events, latency, dead tokens and counted calls."""
        state = self.state
        state.clock.reset()
        state.faults.put([], state.clock.now())
        state.world.remove_events(state.world.events.planted)
        for remembered in (state.dead_tokens, state.calls, state.calls_by_account, state.memory):
            remembered.clear()
        self.latency_ms = 0.0
        return _json({"now": state.clock.now()})

    async def truth(self, request: Request) -> Response:
        """`GET ?object=&field=&instant=`: the true value of a field of an account or a post at an instant."""
        query = request.query_params
        try:
            instant = datetime.fromisoformat(query["instant"])
            found = self._true(query["object"], query["field"], instant, query.get("period"))
        except (KeyError, ValueError, TypeError):
            return _refuse(
                "give object, field and instant: ?object=17841400000000000&field=followers_count&instant=…; "
                "period=day, week or days_28 returns the provider's amount of the days up to that of the instant"
            )
        return _refuse("there is no such object") if found is None else _json({"value": found})

    async def audience(self, request: Request) -> Response:
        """`GET ?object=`: the season of an account, or the final views of a post, its speed and its second wave.

        Times of a post are in hours of activity (`simulator.audience`). Few posts are `viral`: seen far more often.
        """
        world, name = self.state.world, request.query_params.get("object", "")
        for platform in world.platforms:
            if account := world.find(platform, name):
                return _json(audience_of(world, platform, account.index).season._asdict())
            if post := world.post(platform, name):
                curve = curve_of(world, post)
                wave = curve.wave._asdict() if curve.wave else None
                return _json({"final": curve.final, "hours": curve.hours, "viral": curve.viral, "wave": wave})
        return _refuse("there is no such object")

    async def public(self, request: Request) -> Response:
        """`GET ?object=`: what others see: the standing of an account; or a post's hidden fields, and if it is listed.

        An account is `public`, `personal`, `private` or `age_gated`; only public ones are shown.
        """
        world, name = self.state.world, request.query_params.get("object", "")
        for platform, facts in world.platforms.items():
            if account := world.find(platform, name):
                return _json({"standing": standing(world, account)})
            if post := world.post(platform, name):
                return _json({"hidden": facts.hides(world, post), "listed": facts.lists(world, post)})
        return _refuse("there is no such object")

    async def bill(self, _request: Request) -> Response:
        """`GET`: by platform, how many users and posts were billed since the last reset, and how many US dollars."""
        return _json(total(self.state))

    async def ranks(self, request: Request) -> Response:
        """`GET ?objects=a,b&field=&instant=`: the true order of accounts or posts by a field, highest first.

        Equal values share the best rank. `period` as in `truth`.
        """
        query = request.query_params
        names = query.get("objects", "").split(",")
        try:
            instant = datetime.fromisoformat(query["instant"])
            values = {name: self._true(name, query["field"], instant, query.get("period")) for name in names}
        except (KeyError, ValueError, TypeError):
            return _refuse("give objects that have the field, field and instant; period as for the truth")
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) != len(names) or len(names) > MOST_ACCOUNTS:
            return _refuse(f"objects: 1 to {MOST_ACCOUNTS} different ids, separated by commas")
        ranked = truth.true_order(known)
        return _json([{"object": name, "rank": rank, "value": value} for rank, name, value in ranked])

    async def events(self, request: Request) -> Response:
        """`POST` one event or a list of them, `DELETE` one by `id` or all, `GET` them, all or those of an account."""
        world, query = self.state.world, request.query_params
        if request.method == "POST":
            try:
                asked = await request.json()
                events = [self._event(value) for value in (asked if isinstance(asked, list) else [asked])]
                return _json([event.as_json() for event in world.plant(events)])
            except (ValueError, TypeError, RecursionError) as error:
                return _refuse(str(error))
        planted = world.events.planted
        if request.method == "DELETE":
            if "id" in query and query["id"] not in planted:
                return _refuse("there is no such event")
            world.remove_events([query["id"]] if "id" in query else planted)
            return _json([event.as_json() for event in planted.values()])
        found = list(planted.values())
        if "object" in query:
            account = next(self._accounts(query["object"]), None)
            if account is None:
                return _refuse("there is no such account")
            found = world.events.of(account.platform, account.platform_account_id, *account_seed(world, account))
        return _json([event.as_json() for event in found])

    def _event(self, value: Any) -> Event:
        """Return an event of an account or a platform that exists.

        Raises:
            ValueError: one line that says what is wrong.
        """
        event, known = Event.parse(value), self.state.world.platforms
        if event.platform not in (None, *known):
            raise ValueError(f"platform: one of {', '.join(known)}")
        if event.account is None:
            return event
        owners = [one for one in self._accounts(event.account) if event.platform in (None, one.platform)]
        if not owners:
            raise ValueError("account: the platform's id of an account")
        if event.post is not None and not any(self._owns(one, event.post) for one in owners):
            raise ValueError("post: the platform's id of a post of the account")
        return event

    def _owns(self, account: SimAccount, name: str) -> bool:
        post = self.state.world.post(account.platform, name)
        return post is not None and post.account_index == account.index

    def _accounts(self, name: str) -> Iterator[SimAccount]:
        """Yield the accounts that have an id, on whichever platforms."""
        world = self.state.world
        return (account for platform in world.platforms if (account := world.find(platform, name)))

    def _true(self, name: str, field: str, instant: datetime, period: str | None) -> int | None:
        world = self.state.world
        for platform in world.platforms:
            if account := world.find(platform, name):
                if period is not None:
                    return truth.period_value(world, account, field, instant.date(), truth.PERIODS[period])
                return truth.account_value(world, account, field, instant)
            if post := world.post(platform, name):
                return truth.post_value(world, post, field, instant)
        return None

    async def accounts(self, request: Request) -> Response:
        """`GET ?platform=instagram&count=5`: accounts with tokens, to connect them; by default of all platforms."""
        count, requested = request.query_params.get("count", "5"), request.query_params.get("platform")
        known = self.state.world.platforms
        if not count.isdecimal() or not 1 <= int(count) <= MOST_ACCOUNTS:
            return _refuse(f"count is a whole number from 1 to {MOST_ACCOUNTS}")
        platforms: list[Platform] = [name for name in known if requested in (None, name)]
        if not platforms:
            return _refuse(f"platform is one of {', '.join(known)}")
        found = (self.state.world.account(platform, n) for platform in platforms for n in range(int(count)))
        return _json(
            [
                {
                    "platform": a.platform,
                    "platformAccountId": a.platform_account_id,
                    "handle": a.handle,
                    "token": a.token,
                }
                for a in found
            ]
        )


def _strict(handler: Handler, *known: str) -> Handler:
    """Return a handler that refuses unknown query parameters."""

    async def answer(request: Request) -> Response:
        for name in request.query_params:
            if name not in known:
                return _refuse(f"{name}: unknown parameter; this address knows: {', '.join(known) or 'none'}"[:300])
        return await handler(request)

    return answer


def _fault(number: int, value: Any) -> Fault:
    """Return a fault from its JSON form; `number` is its position in the list.

    Raises:
        ValueError: one line that says which fault is wrong, and why.
    """
    try:
        return Fault.parse(value)
    except ValueError as error:
        raise ValueError(f"fault {number}: {error}") from None


def _only(value: Any, *names: str) -> list[Any]:
    """Return the values of exactly these keys.

    Raises:
        ValueError: the value is no object, or has other keys.
    """
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"send {', '.join(names)} and nothing else")
    return [value[name] for name in names]


def _json(value: Any) -> Response:
    return Response(encode_json(value), media_type="application/json")


def _refuse(detail: str) -> Response:
    return Response(orjson.dumps({"detail": detail}), 400, media_type="application/json")
