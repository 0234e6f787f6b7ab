"""X's API v2: paths, parameters, windows, caps, partial errors, rotating tokens (platforms.md, 4)."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from simulator.state import Answer, Request, State
from simulator.twitter import objects
from simulator.twitter.analytics import STEPS, analytics, span
from simulator.twitter.objects import PROBLEMS, Asked
from simulator.twitter.tokens import Tokens
from simulator.world import SimAccount, SimPost

WINDOW_SECONDS = 900
HISTORY = timedelta(days=400)
_LIMITS = {"users/me": 75, "users": 900, "tweets": 5000, "timeline": 900, "mentions": 300, "usage": 50}
_MAX_IDS = 100
_EXCLUDABLE = ("replies", "retweets")
_PARAMETERS = frozenset(
    ["analytics.fields", "days", "end_time", "exclude", "expansions", "granularity", "ids", "max_results",
     "media.fields", "next_token", "pagination_token", "place.fields", "poll.fields", "post.fields", "since_id",
     "start_time", "tweet.fields", "until_id", "usage.fields", "user.fields", "usernames"]
)  # fmt: skip

Params = Mapping[str, str]


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, title: str, detail: str, kind: str = "about:blank", **more: Any) -> None:
        super().__init__(detail)
        type_ = kind if kind == "about:blank" else f"{PROBLEMS}/{kind}"
        self.status = status
        self.body: dict[str, Any] = {"title": title, "detail": detail, "type": type_, "status": status, **more}


def invalid(message: str, **parameters: Any) -> Problem:
    """Return the 400 of a wrong parameter."""
    errors = [{"parameters": {k: [v] for k, v in parameters.items()}, "message": message}]
    problem = Problem(
        400, "Invalid Request", "One or more parameters to your request was invalid.", "invalid-request", errors=errors
    )
    del problem.body["status"]
    return problem


class Twitter:
    """Answers `/2/…` and the token endpoints."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._tokens = Tokens(state)

    def serves(self, path: str) -> bool:
        """Tell whether a path is X's."""
        return path.startswith("/2/") or path == "/oauth2/token"

    def account(self, request: Request) -> SimAccount | None:
        """Return whose user token a request carries."""
        return self._tokens.owner(request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return which page of a timeline is asked for."""
        params = request.params
        limit, token = params.get("max_results", "10"), params.get("pagination_token") or params.get("next_token", "")
        if not limit.isdecimal() or not int(limit) or not re.fullmatch(r"sim\d+", token):
            return 1
        return int(token[3:]) // int(limit) + 1

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        now = self.state.clock.now()
        if request.path in ("/2/oauth2/token", "/oauth2/token"):
            return self._tokens.answer(request.params)
        kind = _kind(request.path)
        account = self.account(request)
        headers = {"api-version": "2.163", "x-access-level": "read", "x-response-time": "41"}
        try:
            account = self._allowed(request, account)
            headers |= self._window(kind, account, now)
            self._troubles(account, headers)
            self.state.count(kind, account.platform_account_id)
            return Answer(200, self._route(request, account, now), headers)
        except Problem as problem:
            return Answer(problem.status, problem.body, headers)

    def _allowed(self, request: Request, account: SimAccount | None) -> SimAccount:
        if account is None or account.platform != "twitter" or self.state.is_dead(request.bearer or "", account):
            raise Problem(401, "Unauthorized", "Unauthorized")
        return account

    def _window(self, kind: str, account: SimAccount, now: datetime) -> dict[str, str]:
        """Count the call in its window of 15 minutes, and return the headers that tell of it."""
        number = int(now.timestamp()) // WINDOW_SECONDS
        calls: dict[tuple[str, str, int], int] = self.state.memory.setdefault("twitter:windows", {})
        place = (kind, account.platform_account_id, number)
        calls[place] = calls.get(place, 0) + 1
        limit = _LIMITS[kind]
        headers = {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(max(limit - calls[place], 0)),
            "x-rate-limit-reset": str((number + 1) * WINDOW_SECONDS),
        }
        if calls[place] > limit:
            raise Problem(429, "Too Many Requests", "Too Many Requests")
        return headers

    def _troubles(self, account: SimAccount, headers: dict[str, str]) -> None:
        faults, whom = self.state.faults, account.platform_account_id
        if faults.strike("error", whom):
            raise Problem(503, "Service Unavailable", "Service Unavailable")
        if faults.strike("account_limit", whom):
            headers["x-rate-limit-remaining"] = "0"
            raise Problem(429, "Too Many Requests", "Too Many Requests")
        if faults.strike("app_limit", whom):
            old = Problem(429, "", "")
            old.body = {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
            headers["x-rate-limit-remaining"] = "0"
            raise old
        if faults.strike("monthly_cap", whom):
            raise Problem(
                429, "UsageCapExceeded", "Usage cap exceeded: Monthly product cap", "usage-capped", period="Monthly",
                scope="Product", account_id=1,
            )  # fmt: skip
        if faults.strike("no_credits", whom):
            raise Problem(402, "CreditsDepleted", "Your enrolled account does not have any credits.", "credits")
        if faults.strike("permission", whom):
            raise Problem(
                403, "Unsupported Authentication", "Authenticating with this token is forbidden for this endpoint.",
                "unsupported-authentication",
            )  # fmt: skip

    def _route(self, request: Request, account: SimAccount, now: datetime) -> Any:
        path, params = request.path.removeprefix("/2/").rstrip("/"), request.params
        for name in params:
            if name not in _PARAMETERS:
                raise invalid(f"The query parameter [{name}] is not one of [{','.join(sorted(_PARAMETERS))}]")
        asked = self._asked(params)
        if path == "usage/tweets":
            return {"data": {"cap_reset_day": 1, "project_cap": "3000000", "project_id": "1", "project_usage": "1174"}}
        if path == "users/me":
            return {"data": objects.user(self.state, account, asked, now)}
        if path in ("users", "users/by"):
            return self._users(params, path, asked, now)
        if found := re.fullmatch(r"users/by/username/(\w+)", path):
            return self._user(self._named(found[1]), found[1], "username", asked, now)
        if found := re.fullmatch(r"users/(\d+)", path):
            return self._user(self.state.world.find("twitter", found[1]), found[1], "id", asked, now)
        if found := re.fullmatch(r"users/(\d+)/(tweets|mentions)", path):
            return self._list(found[1], found[2], params, asked, now)
        if path == "tweets/analytics":
            return self._analytics(params, account, now)
        if path == "tweets":
            ids = _ids(params, "ids")
            return self._tweets(ids, account, asked, now)
        if found := re.fullmatch(r"tweets/(\d+)", path):
            body = self._tweets([found[1]], account, asked, now)
            return {**body, "data": body["data"][0]} if "data" in body else body
        raise Problem(404, "Not Found", "Not Found")

    def _asked(self, params: Params) -> Asked:
        known = {
            "user.fields": objects.USER_FIELDS, "tweet.fields": objects.TWEET_FIELDS,
            "media.fields": objects.MEDIA_FIELDS, "expansions": objects.EXPANSIONS,
            "post.fields": objects.TWEET_FIELDS,
        }  # fmt: skip
        faults = self.state.faults
        chosen = []
        for name, values in known.items():
            wanted = frozenset(value for value in params.get(name, "").split(",") if value)
            allowed = values - faults.retired()
            for value in sorted(wanted - allowed):
                faults.retires(value)
                raise invalid(
                    f"The `{name}` query parameter value [{value}] is not one of [{','.join(sorted(allowed))}]",
                    **{name: value},
                )
            chosen.append(wanted)
        user, tweet, media, expansions, post = chosen
        return Asked(user, tweet | post, media, expansions, renamed=bool(post))

    def _named(self, username: str) -> SimAccount | None:
        return self.state.world.named("twitter", username.replace("_", "."))

    def _users(self, params: Params, path: str, asked: Asked, now: datetime) -> Any:
        name, singular = ("ids", "id") if path == "users" else ("usernames", "username")
        data, errors = [], []
        for value in _ids(params, name):
            account = self.state.world.find("twitter", value) if name == "ids" else self._named(value)
            if account is None:
                errors.append(objects.not_found(value, singular, "user"))
            else:
                data.append(objects.user(self.state, account, asked, now))
        return {**({"data": data} if data else {}), **({"errors": errors} if errors else {})}

    def _user(self, account: SimAccount | None, value: str, parameter: str, asked: Asked, now: datetime) -> Any:
        if account is None:
            return {"errors": [objects.not_found(value, parameter, "user")]}
        return {"data": objects.user(self.state, account, asked, now)}

    def _tweets(self, ids: list[str], account: SimAccount, asked: Asked, now: datetime) -> dict[str, Any]:
        posts, errors = [], []
        for value in ids:
            post = self.state.world.post("twitter", value)
            if post is None or not post.visible(now) or self.state.faults.strike("partial", value):
                errors.append(objects.not_found(value))
            else:
                posts.append(post)
        return self._shown(posts, account, asked, now, errors)

    def _analytics(self, params: Params, account: SimAccount, now: datetime) -> Any:
        ids, granularity = _ids(params, "ids"), params.get("granularity", "")
        if granularity not in STEPS:
            raise invalid(
                f"The `granularity` query parameter value [{granularity}] is not one of [{','.join(STEPS)}]",
                granularity=granularity,
            )
        try:
            start, end = span(params)
        except ValueError as error:
            raise invalid(str(error)) from None
        found = [self.state.world.post("twitter", value) for value in ids]
        own = [p for p in found if p is not None and p.visible(now) and p.account_index == account.index]
        there = {post.platform_post_id for post in own}
        errors = [objects.not_found(value) for value in ids if value not in there]
        data = analytics(self.state.world, own, start, end, STEPS[granularity], now)
        return {**({"data": data} if data else {}), **({"errors": errors} if errors else {})}

    def _shown(
        self, posts: list[SimPost], account: SimAccount, asked: Asked, now: datetime, errors: list[dict[str, Any]]
    ) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if posts:
            body["data"] = [self._tweet(post, account, asked, now) for post in posts]
        includes: dict[str, Any] = {}
        if "attachments.media_keys" in asked.expansions:
            attached = (post for post in posts if post.kind.native)
            media = [one for post in attached for one in objects.media(self.state, post, asked, now)]
            includes |= {"media": media} if media else {}
        if "author_id" in asked.expansions:
            authors = {post.account_index for post in posts}
            users = [self.state.world.account("twitter", index) for index in sorted(authors)]
            includes["users"] = [objects.user(self.state, one, asked, now) for one in users]
        if includes:
            body["includes"] = includes
        if "non_public_metrics" in asked.tweet:
            errors += [objects.refusal(post) for post in posts if not objects.told(post, now)]
        return {**body, **({"errors": errors} if errors else {})}

    def _tweet(self, post: SimPost, account: SimAccount, asked: Asked, now: datetime) -> dict[str, Any]:
        found = objects.tweet(self.state, post, asked, now)
        if post.account_index != account.index:
            # Private metrics are told to the author alone.
            found.pop("non_public_metrics", None)
        return found

    def _list(self, user_id: str, edge: str, params: Params, asked: Asked, now: datetime) -> Any:
        account = self.state.world.find("twitter", user_id)
        if account is None:
            return {"errors": [objects.not_found(user_id, "id", "user")]}
        limit = params.get("max_results", "10")
        if not limit.isdecimal() or not 5 <= int(limit) <= 100:
            raise invalid(f"The `max_results` query parameter value [{limit}] is not between 5 and 100")
        posts = iter(()) if edge == "mentions" else self._timeline(account, params, now)
        token = params.get("pagination_token") or params.get("next_token", "")
        if token and not re.fullmatch(r"sim\d+", token):
            raise invalid("The `pagination_token` query parameter value is invalid", pagination_token=token)
        start = int(token[3:]) if token else 0
        found = list(islice(posts, start, start + int(limit) + 1))
        chosen = found[: int(limit)]
        meta: dict[str, Any] = {"result_count": len(chosen)}
        if chosen and self.state.faults.strike("empty_page", account.platform_account_id):
            # Another token for the same place: a cursor that comes twice would not advance.
            return {"meta": {"result_count": 0, "next_token": f"sim0{token[3:] or start}"}}
        if not chosen:
            return {"meta": meta}
        meta |= {"newest_id": chosen[0].platform_post_id, "oldest_id": chosen[-1].platform_post_id}
        if len(found) > len(chosen):
            meta["next_token"] = f"sim{start + len(chosen)}"
        if start:
            meta["previous_token"] = f"sim{max(start - int(limit), 0)}"
        return {**self._shown(chosen, account, asked, now, []), "meta": meta}

    def _timeline(self, account: SimAccount, params: Params, now: datetime) -> Iterator[SimPost]:
        """Return an account's posts, newest first, after `since_id` or from `start_time`."""
        start, end = now - HISTORY, now
        try:
            if "start_time" in params:
                start = datetime.fromisoformat(params["start_time"])
            if "end_time" in params:
                end = min(datetime.fromisoformat(params["end_time"]), now)
            # Without an offset they do not compare.
            start, end = max(start, now - HISTORY), min(end, now)
        except (ValueError, TypeError):
            raise invalid("The `start_time` query parameter value is not an RFC 3339 date-time") from None
        for name in ("since_id", "until_id"):
            if not (post_id := params.get(name, "0")).isdecimal():
                raise invalid(f"The `{name}` query parameter value [{post_id}] is not valid", **{name: post_id})
        for value in params.get("exclude", "replies").split(","):
            if value not in _EXCLUDABLE:
                raise invalid(
                    f"The `exclude` query parameter value [{value}] is not one of [{','.join(_EXCLUDABLE)}]",
                    exclude=value,
                )
        if "until_id" in params and (later := self.state.world.post("twitter", params["until_id"])) is not None:
            end = min(end, later.published_at)
        earlier = self.state.world.post("twitter", params["since_id"]) if "since_id" in params else None
        if earlier is not None:
            start = max(start, earlier.published_at + timedelta(seconds=1))
        return (post for post in self.state.world.newest(account, start, end) if post.visible(now))


def _ids(params: Params, name: str) -> list[str]:
    values = [value for value in params.get(name, "").split(",") if value]
    if not 1 <= len(values) <= _MAX_IDS:
        raise invalid(
            f"The number of values in the `{name}` query parameter list [{len(values)}] is not between 1 and 100"
        )
    if name == "ids" and not all(value.isdecimal() for value in values):
        raise invalid(f"The `ids` query parameter value [{values[0]}] is not valid")
    return values


def _kind(path: str) -> str:
    if path == "/2/users/me":
        return "users/me"
    if path.endswith("/mentions"):
        return "mentions"
    if re.fullmatch(r"/2/users/\d+/tweets", path):
        return "timeline"
    return next((kind for kind in ("users", "tweets", "usage") if path.startswith(f"/2/{kind}")), "usage")
