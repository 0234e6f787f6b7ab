"""LinkedIn's Community Management API: headers, finders, batches, limits, tokens (platforms.md, 5)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from simulator import truth
from simulator.linkedin import statistics
from simulator.linkedin.problem import Problem, invalid
from simulator.linkedin.protocol import Params, check_version, key_of, params_of, protocol_of
from simulator.linkedin.restli import Malformed
from simulator.state import Answer, Request, State
from simulator.world import SimAccount, SimPost

HISTORY = timedelta(days=400)
TOKEN_SECONDS = 5_184_000
_ORGANIZATION = "urn:li:organization:"


class LinkedIn:
    """Answers `/rest/…` and the token endpoint."""

    def __init__(self, state: State) -> None:
        self.state = state

    def serves(self, path: str) -> bool:
        """Tell whether a path is LinkedIn's."""
        return path.startswith("/rest/") or path == "/oauth/v2/accessToken"

    def account(self, request: Request) -> SimAccount | None:
        """Return whose token a request carries."""
        token = request.bearer or ""
        return self.state.world.of_token(token.removeprefix("renewed."))

    def page(self, request: Request) -> int | None:
        """Return which page of a list is asked for."""
        start, count = (request.params.get(name, default) for name, default in (("start", "0"), ("count", "10")))
        return int(start) // int(count) + 1 if start.isdecimal() and count.isdecimal() and int(count) else 1

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        headers = {"x-li-fabric": "prod-sim", "x-li-uuid": "AAYsimulated=="}
        try:
            if request.path == "/oauth/v2/accessToken":
                return self._token(request)
            check_version(request.headers)
            protocol = protocol_of(request.headers)
            headers["x-restli-protocol-version"] = protocol
            account = self._allowed(request)
            self._troubles(account)
            resource, _, rest = request.path.removeprefix("/rest/").strip("/").partition("/")
            self.state.count(resource, account.platform_account_id)
            params = params_of(request, protocol)
            body = self._route(resource, key_of(rest, protocol), params, account)
            return Answer(200, _projected(body, params.get("fields")), headers)
        except Malformed as error:
            return _refusal(invalid(str(error)), headers)
        except Problem as problem:
            return _refusal(problem, headers)

    def _allowed(self, request: Request) -> SimAccount:
        account, token = self.account(request), request.bearer or ""
        if account is None or account.platform != "linkedin":
            raise Problem(401, "Invalid access token", "INVALID_ACCESS_TOKEN", 65600)
        if self.state.is_dead(token, account):
            raise Problem(401, "The token used in the request has expired", "EXPIRED_ACCESS_TOKEN", 65601)
        return account

    def _troubles(self, account: SimAccount) -> None:
        faults, whom = self.state.faults, account.platform_account_id
        if faults.strike("error", whom):
            raise Problem(500, "Internal Server Error")
        for kind, scope in (("app_limit", "APPLICATION"), ("account_limit", "MEMBER")):
            if faults.strike(kind, whom):  # type: ignore[arg-type]
                message = f"Resource level throttle {scope} DAY limit for calls to this resource is reached."
                raise Problem(429, message, "TOO_MANY_REQUESTS", 101)
        if faults.strike("permission", whom):
            message = "Not enough permissions to access: partnerApiPostsExternal.FINDER-author.20260801"
            raise Problem(403, message, "ACCESS_DENIED", 100)

    def _route(self, resource: str, rest: str, params: Params, account: SimAccount) -> Any:
        now = self.state.clock.now()
        if resource == "networkSizes":
            return self._network_size(rest, params, account, now)
        if resource == "organizations":
            return self._organizations(rest, params, account)
        if resource == "organizationAcls":
            return _page([_acl(account)])
        if resource == "posts":
            return self._posts(rest, params, account, now)
        if resource == "socialMetadata":
            return self._social(rest, params, account, now)
        if resource == "socialActions":
            return self._actions(rest, account, now)
        finders = {
            "organizationalEntityFollowerStatistics": ("organizationalEntity", self._followers),
            "organizationPageStatistics": ("organization", self._page_views),
            "organizationalEntityShareStatistics": ("organizationalEntity", self._shares),
        }
        if resource not in finders:
            raise Problem(404, f"No virtual resource found: {resource}", "RESOURCE_NOT_FOUND")
        finder, answer = finders[resource]
        if params.get("q") != finder:
            raise Problem(400, "Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")
        self._own(str(params.get(finder, "")), account)
        return answer(params, account, now)

    def _own(self, urn: str, account: SimAccount) -> None:
        if not urn.startswith(_ORGANIZATION):
            raise invalid("organizationalEntity")
        if urn != _ORGANIZATION + account.platform_account_id:
            raise Problem(403, f"Not enough permissions to access: {urn}", "ACCESS_DENIED", 100)

    def _network_size(self, urn: str, params: Params, account: SimAccount, now: datetime) -> Any:
        if params.get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER":
            raise invalid("edgeType")
        self._own(urn, account)
        return {"firstDegreeSize": truth.account_value(self.state.world, account, "firstDegreeSize", now)}

    def _organizations(self, rest: str, params: Params, account: SimAccount) -> Any:
        if rest:
            return self._organization(rest, account)
        if params.get("q") == "vanityName":
            named = params.get("vanityName") == account.handle.replace(".", "-")
            return _page([self._organization(account.platform_account_id, account)] if named else [])
        ids = params.get("ids")
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise Problem(400, "Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")
        own = account.platform_account_id
        return {
            "results": {own: self._organization(own, account)} if own in ids else {},
            "statuses": {one: 200 if one == own else 404 for one in ids},
            "errors": {one: {"status": 404, "message": "Could not find entity"} for one in ids if one != own},
        }

    def _organization(self, rest: str, account: SimAccount) -> Any:
        if rest != account.platform_account_id:
            raise Problem(404, f"Could not find entity {rest}", "NOT_FOUND")
        name = account.handle.replace(".", " ").title()
        locale = {"country": "US", "language": "en"}
        return {
            "id": int(account.platform_account_id),
            "vanityName": account.handle.replace(".", "-"),
            "localizedName": name,
            "name": {"localized": {"en_US": name}, "preferredLocale": locale},
            "defaultLocale": locale,
            "primaryOrganizationType": "NONE",
            "locations": [],
        }

    def _followers(self, params: Params, account: SimAccount, now: datetime) -> Any:
        spans = statistics.spans_asked(params, now, "DAY", "WEEK", "MONTH")
        urn = {"organizationalEntity": _ORGANIZATION + account.platform_account_id}
        if spans is None:
            return _page([statistics.facets(self.state, account, now) | urn])
        return _page(statistics.by_span(spans, lambda d: statistics.follower_gains(self.state, account, d) | urn))

    def _page_views(self, params: Params, account: SimAccount, now: datetime) -> Any:
        spans = statistics.spans_asked(params, now, "DAY", "MONTH")
        urn, world = {"organization": _ORGANIZATION + account.platform_account_id}, self.state.world

        def of_days(days: list[date]) -> dict[str, Any]:
            total = sum(truth.day_value(world, account, "allPageViews", day) for day in days)
            return statistics.page_views(total) | urn

        if spans is None:
            return _page([of_days([now.date() - timedelta(days=back) for back in range(2, 367)])])
        return {"elements": statistics.by_span(spans, of_days)}

    def _shares(self, params: Params, account: SimAccount, now: datetime) -> Any:
        spans = statistics.spans_asked(params, now, "DAY", "MONTH")
        urn = {"organizationalEntity": _ORGANIZATION + account.platform_account_id}
        asked = [*_urns(params, "shares", "share"), *_urns(params, "ugcPosts", "ugcPost")]
        if asked and spans is not None:
            raise Problem(400, "Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")
        if asked:
            posts = [p for p in (self._post(one, account, now) for one in asked) if p is not None]
            found = [one for p in posts if (one := statistics.of_post(self.state, p, now)) is not None]
            return _page([one | urn for one in found])
        if spans is not None:
            return _page(statistics.by_span(spans, lambda d: statistics.shares_of_days(self.state, account, d) | urn))
        return _page([statistics.lifetime(self.state, account, now) | urn])

    def _post(self, urn: str, account: SimAccount, now: datetime) -> SimPost | None:
        post = self.state.world.post("linkedin", urn)
        here = post is not None and post.account_index == account.index and post.visible(now)
        return post if here and not self.state.faults.strike("partial", urn) else None

    def _posts(self, rest: str, params: Params, account: SimAccount, now: datetime) -> Any:
        if rest:
            post = self._post(rest, account, now)
            if post is None:
                raise Problem(404, f"Could not find entity {rest}", "NOT_FOUND")
            return _shown(post, account)
        if "ids" in params:
            return self._batch(params, account, now, lambda post: _shown(post, account))
        if params.get("q") != "author":
            raise Problem(400, "Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")
        self._own(str(params.get("author", "")), account)
        given = [str(params.get(name, default)) for name, default in (("start", 0), ("count", 10))]
        if not all(text.isdecimal() for text in given):
            raise invalid("start")
        start, count = (int(text) for text in given)
        if not 1 <= count <= 100 or start < 0:
            raise invalid("count")
        world = self.state.world
        posts = (post for post in world.newest(account, now - HISTORY, now) if post.visible(now))
        chosen = list(islice(posts, start, start + count + 1))
        if chosen and self.state.faults.strike("empty_page", account.platform_account_id):
            return _page([], start, count, more=True)
        shown = [_shown(post, account) for post in chosen[:count]]
        return _page(shown, start, count, more=len(chosen) > count)

    def _social(self, rest: str, params: Params, account: SimAccount, now: datetime) -> Any:
        if "ids" in params:
            return self._batch(params, account, now, lambda post: statistics.social(self.state, post, now))
        post = self._post(rest, account, now)
        if post is None:
            raise Problem(404, f"Could not find entity {rest}", "NOT_FOUND")
        return statistics.social(self.state, post, now)

    def _actions(self, rest: str, account: SimAccount, now: datetime) -> Any:
        """Answer the summary of a post's likes and comments, or a list of them: who made them is told to nobody."""
        urn, _, edge = rest.partition("/")
        post = self._post(urn, account, now)
        if post is None or edge not in ("", "comments", "likes"):
            raise Problem(404, f"Could not find entity {rest}", "NOT_FOUND")
        return _page([]) if edge else statistics.actions(self.state, post, now)

    def _batch(self, params: Params, account: SimAccount, now: datetime, show: Callable[[SimPost], Any]) -> Any:
        ids = params.get("ids")
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise invalid("ids")
        found = {urn: self._post(urn, account, now) for urn in ids}
        return {
            "results": {urn: show(post) for urn, post in found.items() if post is not None},
            "statuses": {urn: 200 if post is not None else 404 for urn, post in found.items()},
            "errors": {
                urn: {"status": 404, "message": "Could not find entity"} for urn, post in found.items() if post is None
            },
        }

    def _token(self, request: Request) -> Answer:
        params = request.params
        token = params.get("refresh_token", "")
        account = self.state.world.of_token(token.removeprefix("refresh."))
        allowed = token.startswith("refresh.") and account is not None and account.platform == "linkedin"
        if params.get("grant_type") != "refresh_token" or not allowed or not params.get("client_secret"):
            return Answer(400, {"error": "invalid_grant", "error_description": "The provided grant is invalid"})
        body = {
            "access_token": f"renewed.{account.token if account else ''}",
            "expires_in": TOKEN_SECONDS,
            "refresh_token": token,
            "refresh_token_expires_in": 20_000_000,
        }
        return Answer(200, body)


def _refusal(problem: Problem, headers: dict[str, str]) -> Answer:
    return Answer(problem.status, problem.body, {**headers, "x-restli-error-response": "true"})


def _urns(params: Params, name: str, kind: str) -> list[str]:
    asked = params.get(name, [])
    if not isinstance(asked, list) or not all(
        isinstance(one, str) and one.startswith(f"urn:li:{kind}:") for one in asked
    ):
        raise invalid(name)
    return asked


def _page(elements: list[Any], start: int = 0, count: int = 10, *, more: bool = False) -> dict[str, Any]:
    """Return a page; the total is left out, as it is at times."""
    links = [{"rel": "next", "type": "application/json", "href": f"/rest/posts?start={start + count}"}] if more else []
    return {"paging": {"start": start, "count": count, "links": links}, "elements": elements}


def _projected(body: Any, fields: Any) -> Any:
    """Return what `fields` names of an answer, or of each of its elements."""
    if not isinstance(fields, str):
        return body
    wanted = {name.partition(":")[0] for name in fields.split(",")}

    def chosen(one: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in one.items() if name in wanted}

    if "elements" in body:
        return {**body, "elements": [chosen(one) for one in body["elements"]]}
    if "results" in body:
        return {**body, "results": {key: chosen(one) for key, one in body["results"].items()}}
    return chosen(body)


def _acl(account: SimAccount) -> dict[str, str]:
    return {
        "role": "ADMINISTRATOR",
        "state": "APPROVED",
        "organization": _ORGANIZATION + account.platform_account_id,
        "roleAssignee": "urn:li:person:simulated",
    }


def _shown(post: SimPost, account: SimAccount) -> dict[str, Any]:
    """Return a post as `/posts` shows it."""
    at = int(post.published_at.timestamp() * 1000)
    (kind,) = post.native
    content: dict[str, Any] = {}
    if kind in ("image", "video", "document"):
        content = {"content": {"media": {"id": f"urn:li:{kind}:C5F10{post.number}"}}}
    elif kind == "article":
        content = {"content": {"article": {"source": "https://example.org", "title": "An article"}}}
    elif kind == "multiImage":
        content = {"content": {"multiImage": {"images": [{"id": f"urn:li:image:C5F1{n}{post.number}"} for n in "12"]}}}
    return {
        "id": post.platform_post_id,
        "author": _ORGANIZATION + account.platform_account_id,
        "lifecycleState": "PUBLISHED",
        "lifecycleStateInfo": {"isEditedByAuthor": False},
        "visibility": "PUBLIC",
        "createdAt": at - 30,
        "publishedAt": at,
        "lastModifiedAt": at,
        "commentary": post.text,
        "isReshareDisabledByAuthor": False,
        "distribution": {"feedDistribution": "MAIN_FEED", "thirdPartyDistributionChannels": []},
        **content,
    }
