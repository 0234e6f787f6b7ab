"""The simulated organic API for Business: HTTP 200 for errors too, a token without a scheme, and lists as JSON.

Facts: docs/platform-facts.md#tiktok-api-for-business.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from metrics.periods import midnight
from simulator import truth
from simulator.faults import Target
from simulator.logins import CodeRefused, granted, redeem
from simulator.state import Answer, Request, State, target
from simulator.tiktok import organic
from simulator.tiktok.grants import Grants, business_id
from simulator.tiktok.problem import log_id
from simulator.tiktok.videos import is_listed
from simulator.world import EPOCH, SimAccount, SimPost, display_name

PREFIX = "/open_api/v1.3"
GET, LIST = f"{PREFIX}/business/get/", f"{PREFIX}/business/video/list/"
REFRESH, TOKEN = f"{PREFIX}/tt_user/oauth2/refresh_token/", f"{PREFIX}/tt_user/oauth2/token/"
PER_SECOND, PER_MINUTE = 10, 600
SECOND, MINUTE = timedelta(seconds=1), timedelta(seconds=60)
MOST_DAYS, MOST = 60, 20
WINDOW = "tiktok:business"
"""Key of the instants of the calls of the last minute, in the memory of the simulator."""
_LIMITS = ((SECOND, PER_SECOND), (MINUTE, PER_MINUTE))
_ACCOUNT = ("username", "display_name", "followers_count", "is_business_account")
_VIDEO = ("item_id", "create_time", "caption", "share_url", "video_duration", "likes", "comments", "shares",
          "average_time_watched", *organic.COUNTERS)  # fmt: skip
_DISPLAY = {"likes": "like_count", "comments": "comment_count", "shares": "share_count"}
"""The counters that both APIs tell, with the names of the Display API."""
_COUNTERS = (*_DISPLAY.values(), *organic.COUNTERS)
_ENDING = organic.ENDING | {"average_time_watched"}
INVALID, NO_PERMISSION, TOO_MANY, NO_TOKEN, WRONG_TOKEN, BUSY = 40002, 40001, 40100, 40104, 40105, 51001


class Refusal(Exception):
    """Error of the API for Business: a code and a message, with HTTP 200."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class _Call:
    state: State
    account: SimAccount
    params: Mapping[str, str]
    now: datetime
    aim: Target

    def names(self, known: tuple[str, ...]) -> list[str]:
        """Return the requested fields: one parameter with a JSON array.

        Raises:
            Refusal: it is none, or one of the fields is unknown.
        """
        try:
            found = orjson.loads(self.params.get("fields", ""))
        except ValueError:
            found = None
        if not isinstance(found, list) or not found:
            raise Refusal(INVALID, "fields: Not a valid list.")
        for name in found:
            if name not in known or self.state.faults.retires(name):
                raise Refusal(INVALID, f"fields: '{name}' is not one of the allowed values")
        return found


class Business:
    """The paths `/open_api/v1.3/…`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._grants = Grants(state)

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to the API for Business."""
        return path.startswith(f"{PREFIX}/")

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose access or refresh token a request carries, if any."""
        if request.path == REFRESH:
            return self._grants.grantor(request.params.get("refresh_token", ""))
        return self._grants.owner(request.headers.get("access-token", ""))

    def page(self, request: Request) -> int | None:
        """Return 1 for a list of videos: only its first page is read by ids."""
        return 1 if request.path == LIST else None

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        now = self.state.clock.now()
        try:
            code, message, data = 0, "OK", self._data(request, now)
        except Refusal as refusal:
            code, message, data = refusal.code, refusal.message, None
        body = {"code": code, "message": message, "request_id": log_id(now)}
        return Answer(200, body if data is None else {**body, "data": data})

    def _data(self, request: Request, now: datetime) -> dict[str, Any]:
        if request.path == REFRESH:
            return self._renewed(request, now)
        if request.path == TOKEN:
            return self._first(request, now)
        answers: dict[str, Callable[[_Call], dict[str, Any]]] = {GET: _account, LIST: _videos}
        if request.path not in answers or request.method != "GET":
            raise Refusal(INVALID, "The path or the method is not valid.")
        aim = target(self.state, self, request)
        account = self._authorized(request, aim, now)
        _take(self.state, now)
        _raise_faults(aim)
        if request.params.get("business_id") != business_id(account) or aim.strike("permission"):
            raise Refusal(NO_PERMISSION, f"No permission to operate tiktok creator id: {business_id(account)}")
        self.state.count(request.path.removeprefix(f"{PREFIX}/").strip("/"), account.platform_account_id)
        return answers[request.path](_Call(self.state, account, request.params, now, aim))

    def _authorized(self, request: Request, aim: Target, now: datetime) -> SimAccount:
        token = request.headers.get("access-token", "")
        if not token:
            raise Refusal(NO_TOKEN, "Access token is null")
        account = self._grants.owner(token)
        if account is None or self._grants.has_ended(token, now) or self.state.is_dead(token, account, aim):
            raise Refusal(WRONG_TOKEN, "Access token is incorrect or has been revoked.")
        if granted(self.state, account.token) is not None and account.token in self.state.dead_tokens:
            raise Refusal(WRONG_TOKEN, "Access token is incorrect or has been revoked.")
        return account

    def _first(self, request: Request, now: datetime) -> dict[str, Any]:
        """Exchange the code of a login: it has another name here, and travels in JSON."""
        params, is_json = request.params, request.headers.get("content-type", "").startswith("application/json")
        if request.method != "POST" or not is_json or params.get("grant_type") != "authorization_code":
            raise Refusal(INVALID, "grant_type: Missing data for required field.")
        for name in ("client_id", "client_secret", "auth_code", "redirect_uri"):
            if not params.get(name):
                raise Refusal(INVALID, f"{name}: Missing data for required field.")
        try:
            login = redeem(self.state, "tiktok", {**params, "code": params["auth_code"]}, params["client_id"])
        except CodeRefused as error:
            raise Refusal(INVALID, f"Auth_code is invalid: {error}") from None
        return self._grants.issue(login.account, login.account.token, now, login.scopes)

    def _renewed(self, request: Request, now: datetime) -> dict[str, Any]:
        is_json = request.headers.get("content-type", "").startswith("application/json")
        if request.method != "POST" or not is_json or request.params.get("grant_type") != "refresh_token":
            raise Refusal(INVALID, "grant_type: Missing data for required field.")
        if not request.params.get("client_id") or not request.params.get("client_secret"):
            raise Refusal(INVALID, "client_id: Missing data for required field.")
        account = self._grants.grantor(request.params.get("refresh_token", ""))
        tokens = self._grants.renew(request.params.get("refresh_token", ""), now)
        if account is None or tokens is None:
            raise Refusal(WRONG_TOKEN, "Refresh token is incorrect or has been revoked.")
        self.state.count("tt_user/oauth2/refresh_token", account.platform_account_id)
        return tokens


def _take(state: State, now: datetime) -> None:
    """Count a request of the app; a refused one does not count.

    Raises:
        Refusal: the app had 10 requests in the last second, or 600 in the last minute.
    """
    window: deque[datetime] = state.memory.setdefault(WINDOW, deque())
    while window and not now - MINUTE < window[0] <= now:
        window.popleft()
    for span, most in _LIMITS:
        if sum(1 for at in islice(reversed(window), most) if at > now - span) >= most:
            raise Refusal(TOO_MANY, f"App reaches the QPS limit {PER_SECOND}")
    window.append(now)


def _raise_faults(aim: Target) -> None:
    if aim.strike("error"):
        raise Refusal(BUSY, "internal service timeout")
    if aim.strike("account_limit") or aim.strike("app_limit"):
        raise Refusal(TOO_MANY, f"App reaches the QPS limit {PER_SECOND}")


def _account(call: _Call) -> dict[str, Any]:
    names = call.names((*_ACCOUNT, *organic.DAYS, "daily_total_followers"))
    handle = call.state.handle(call.account, call.aim)
    followers = truth.account_value(call.state.world, call.account, "follower_count", call.now)
    known = {"username": handle, "display_name": display_name(handle), "followers_count": followers,
             "is_business_account": True}  # fmt: skip
    data: dict[str, Any] = {name: known[name] for name in names if name in known}
    daily = [name for name in names if name not in known]
    if "start_date" in call.params or daily:
        data["metrics"] = [_day(call, day, daily) for day in _days(call)]
    return data


def _days(call: _Call) -> Iterator[date]:
    """Yield the requested days that are counted.

    Raises:
        Refusal: a date is missing or malformed, the range is longer than 60 days, or begins more than 60 days ago.
    """
    try:
        first, last = (date.fromisoformat(call.params.get(name, "")) for name in ("start_date", "end_date"))
    except ValueError:
        raise Refusal(INVALID, "start_date: Not a valid date.") from None
    if last < first or (last - first).days >= MOST_DAYS or first < call.now.date() - timedelta(days=MOST_DAYS):
        raise Refusal(INVALID, f"The date range must be within the last {MOST_DAYS} days")
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if organic.counted_at(call.state.world, call.account, day) <= call.now:
            yield day


def _day(call: _Call, day: date, names: list[str]) -> dict[str, Any]:
    world, account = call.state.world, call.account
    found: dict[str, Any] = {"date": day.isoformat()}
    for name in names:
        if name == "daily_total_followers":
            at = midnight(day + timedelta(days=1))
            found[name] = truth.account_value(world, account, "follower_count", at)
        else:
            found[name] = truth.day_value(world, account, name, day)
    return found


def _videos(call: _Call) -> dict[str, Any]:
    names = call.names(_VIDEO)
    if "item_id" not in names:
        raise Refusal(INVALID, "fields: item_id must be among the fields")
    count, cursor = _number(call, "max_count", 10), _number(call, "cursor", 0)
    if not 1 <= count <= MOST:
        raise Refusal(INVALID, f"max_count: Must be between 1 and {MOST}.")
    latest = call.now + timedelta(seconds=1)
    before = min(EPOCH + timedelta(milliseconds=cursor - int(EPOCH.timestamp()) * 1000), latest) if cursor else latest
    posts = (
        one for one in call.state.world.newest(call.account, EPOCH, before) if is_listed(call.state, call.aim, one)
    )
    wanted = _ids(call)
    if wanted is not None:
        posts = (one for one in posts if one.platform_post_id in wanted)
    chosen = list(islice(posts, count))
    following = int(chosen[-1].published_at.timestamp()) * 1000 if chosen else 0
    return {"videos": [_video(call, one, names) for one in chosen], "cursor": following,
            "has_more": next(posts, None) is not None}  # fmt: skip


def _ids(call: _Call) -> frozenset[str] | None:
    """Return the ids to which a list is narrowed, or None.

    Raises:
        Refusal: they are no JSON list of 1 to 20 texts.
    """
    if "filters" not in call.params:
        return None
    try:
        ids = orjson.loads(call.params["filters"])["video_ids"]
    except (ValueError, LookupError, TypeError):
        ids = None
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST or not all(isinstance(one, str) for one in ids):
        raise Refusal(INVALID, "filters: video_ids is not valid")
    return frozenset(ids)


def _number(call: _Call, name: str, default: int) -> int:
    text = call.params.get(name, str(default))
    if not text.isdecimal():
        raise Refusal(INVALID, f"{name}: Not a valid integer.")
    return int(text)


def _video(call: _Call, post: SimPost, names: list[str]) -> dict[str, Any]:
    """Return a video. It does not change 365 days after its publication, and some fields end after seven idle days."""
    world, now = call.state.world, min(call.now, post.published_at + organic.FROZEN)
    values = truth.post_values(world, post, _COUNTERS, now)
    is_idle = bool(_ENDING.intersection(names)) and organic.is_idle(world, post, now)
    found: dict[str, Any] = {}
    for name in names:
        counter = _DISPLAY.get(name, name)
        if name in _ENDING and is_idle:
            continue
        if name == "average_time_watched":
            found[name] = round(values["total_time_watched"] / 1000 / max(values["video_views"], 1), 1)
        elif name == "total_time_watched":
            found[name] = values[name] / 1000
        elif counter in values:
            found[name] = values[counter]
        else:
            found[name] = _TEXTS[name](call, post)
    return found


def _share_url(call: _Call, post: SimPost) -> str:
    return f"https://www.tiktok.com/@{call.state.handle(call.account, call.aim)}/video/{post.platform_post_id}"


def _duration(_call: _Call, post: SimPost) -> float:
    return 7.0 + int(hashlib.sha256(post.platform_post_id.encode()).hexdigest()[:4], 16) % 900 / 10


_TEXTS: Mapping[str, Callable[[_Call, SimPost], Any]] = {
    "item_id": lambda _, post: post.platform_post_id,
    "create_time": lambda _, post: str(int(post.published_at.timestamp())),
    "caption": lambda _, post: post.text or "",
    "share_url": _share_url,
    "video_duration": _duration,
}
