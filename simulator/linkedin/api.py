"""Simulated LinkedIn API: routing to resources, headers, limits, tokens (docs/platform-facts.md#linkedin).

`/rest/…` is versioned; of the unversioned `/v2/…` only the resources that identify the owner of a token exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from simulator.faults import Kind, Target
from simulator.linkedin import members, oauth, organizations, posts, reports
from simulator.linkedin.call import Call, project_fields
from simulator.linkedin.problem import Problem, invalid
from simulator.linkedin.protocol import check_version, key_of, params_of, protocol_of
from simulator.linkedin.restli import Malformed
from simulator.logins import managed
from simulator.state import Answer, Request, State, target
from simulator.world import SimAccount

Resource = Callable[[Call, str], Any]
"""Handler of a resource: it takes the call and a key, which may be empty, and raises Problem."""


def _without_key(answer: Callable[[Call], Any]) -> Resource:
    def resource(call: Call, key: str) -> Any:
        if key:
            raise Problem(404, f"No virtual resource found: {call.path}", "RESOURCE_NOT_FOUND")
        return answer(call)

    return resource


_VERSIONED: Mapping[str, Resource] = {
    "me": _without_key(members.me),
    "memberFollowersCount": _without_key(members.followers_count),
    "networkSizes": organizations.network_size,
    "organizationAcls": _without_key(organizations.organization_acls),
    "organizationPageStatistics": _without_key(reports.page_views),
    "organizationalEntityFollowerStatistics": _without_key(reports.followers),
    "organizationalEntityShareStatistics": _without_key(reports.shares),
    "organizations": organizations.organizations,
    "organizationsLookup": organizations.organizations_lookup,
    "posts": posts.posts,
    "socialActions": posts.social_actions,
    "socialMetadata": posts.social_metadata,
}
_TOKENS = {"/oauth/v2/accessToken": oauth.access_token, "/oauth/v2/introspectToken": oauth.introspect}
_LIMITS: Mapping[Kind, str] = {"app_limit": "APPLICATION", "account_limit": "MEMBER"}
_UNVERSIONED: Mapping[str, Resource] = {"me": _without_key(members.me), "userinfo": _without_key(members.userinfo)}


class LinkedIn:
    """LinkedIn API with the paths `/rest/…`, `/v2/…` and the token endpoints."""

    def __init__(self, state: State) -> None:
        self.state = state

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to LinkedIn."""
        return path.startswith(("/rest/", "/v2/")) or path in _TOKENS

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose token a request carries."""
        return oauth.owner(self.state, request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of a list of posts."""
        params = request.params
        if request.path.rstrip("/") != "/rest/posts" or params.get("q") != "author":
            return None
        start, count = (params.get(name, default) for name, default in (("start", "0"), ("count", "10")))
        return int(start) // int(count) + 1 if start.isdecimal() and count.isdecimal() and int(count) else 1

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        headers = {"x-li-fabric": "prod-sim", "x-li-uuid": "AAYsimulated=="}
        if request.path in _TOKENS:
            return _TOKENS[request.path](self.state, request)
        try:
            return Answer(200, self._answer(request, headers), headers)
        except Malformed as error:
            problem = invalid(str(error))
        except Problem as raised:
            problem = raised
        return Answer(problem.status, problem.body, {**headers, "x-restli-error-response": "true"})

    def _answer(self, request: Request, headers: dict[str, str]) -> Any:
        versioned = request.path.startswith("/rest/")
        if versioned:
            check_version(request.headers)
        protocol = protocol_of(request.headers)
        headers["x-restli-protocol-version"] = protocol
        aim = target(self.state, self, request)
        account = self._allowed(request, aim)
        _troubles(aim)
        name, _, rest = request.path.strip("/").partition("/")[2].partition("/")
        self.state.count(name, account.platform_account_id)
        params = params_of(request, protocol)
        call = Call(self.state, account, params, self.state.clock.now(), aim, request.path, request.query)
        resource = (_VERSIONED if versioned else _UNVERSIONED).get(name)
        if resource is None:
            raise Problem(404, f"No virtual resource found: {name}", "RESOURCE_NOT_FOUND")
        return project_fields(resource(call, key_of(rest, protocol)), params)

    def _allowed(self, request: Request, aim: Target) -> SimAccount:
        account = self.account(request)
        if account is None:
            raise Problem(401, "Invalid access token", "INVALID_ACCESS_TOKEN", 65600)
        if self.state.is_dead(request.bearer or "", account, aim):
            raise Problem(401, "The token used in the request has expired", "EXPIRED_ACCESS_TOKEN", 65601)
        return self._named(request, account)

    def _named(self, request: Request, account: SimAccount) -> SimAccount:
        """Return the organization that a request names: the token of a member reads all that the member manages."""
        further = managed(self.state, account)[1:]
        named = next((one for one in further if one.platform_account_id in request.names), None)
        return account if named is None else replace(named, token=account.token)


def _troubles(aim: Target) -> None:
    if aim.strike("error"):
        raise Problem(500, "Internal Server Error")
    for kind, scope in _LIMITS.items():
        if aim.strike(kind):
            message = f"Resource level throttle {scope} DAY limit for calls to this resource is reached."
            raise Problem(429, message, "TOO_MANY_REQUESTS", 101)
    if aim.strike("permission"):
        message = "Not enough permissions to access: partnerApiPostsExternal.FINDER-author.20260801"
        raise Problem(403, message, "ACCESS_DENIED", 100)
