"""Reads users of others on X, with the app's own token: a hundred users in one call, then each timeline.

X bills each user and each post once per UTC day. A timeline returns posts with all their public metrics, so that a post
is read by its id only if it is due and older than what the timeline has to be read for.

Facts: docs/platform-facts.md#x-public-numbers-of-others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metrics.documents import Platform
from metrics.platforms.twitter import TWITTER
from pipelines.platforms.answers import id_of, items_of, name_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
)
from pipelines.platforms.pool import Loaded
from pipelines.platforms.public.base import (
    Outcome,
    PublicAccount,
    PublicSnapshot,
    Refusal,
    Resolved,
    Result,
    each,
    found_in,
    look_up,
    snapshot,
)
from pipelines.platforms.public.bill import Bill, BilledPosts
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.twitter.answers import ID, account_numbers, error_of_problem, parsing_answer, problems_by_id
from pipelines.platforms.twitter.api import API_VERSION
from pipelines.platforms.twitter.calls import XCalls
from pipelines.platforms.twitter.posts import Posts

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

MAX_USERS = 100
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,50}")
_FIELDS = {"user.fields": "public_metrics,username,protected"}
_WITHOUT_TOKEN = Refusal("off", "Users of others are read with TIDEMARK_TWITTER_APP_TOKEN, which is not set.")
_LEFT_OUT = Refusal("not_found", "X left the user out of its answer without a reason.")
_NO_NAME = Refusal("not_found", "It is neither a name of X, which has letters, digits and underscores, nor a number.")
_PROTECTED = Refusal("private", "The user protects the posts: X shows them to followers alone.")

User = Mapping[str, Any]


class TwitterPublic:
    """The reader of public numbers of `twitter`; thread-safe. It bills an object once per UTC day over its life."""

    name: Platform = "twitter"
    api_version = API_VERSION

    def __init__(self, http: "Http", token: str | None) -> None:
        self._http = http
        self._access = Access("", {"access_token": token}) if token else None
        self._quarantine = Quarantine()
        self._bill = Bill(TWITTER.public_numbers.prices if TWITTER.public_numbers is not None else {})

    def resolve(self, keys: Sequence[str], _lender: Access | None, tally: Tally) -> Mapping[str, Outcome]:
        """Return, for each name or number of a user, the user that has it now."""
        if self._access is None:
            return dict.fromkeys(keys, _WITHOUT_TOKEN)
        ask = XCalls(self._http, self._access, tally)
        names = [key[1:].lower() for key in keys if key.startswith("@") and _USERNAME.fullmatch(key[1:])]
        ids = [key for key in keys if ID.fullmatch(key)]
        by_name, _ = self._users(ask, "usernames", names, tally)
        by_id, _ = self._users(ask, "ids", ids, tally)

        def of(key: str) -> Resolved | Refusal:
            name = key.removeprefix("@").lower()
            if name not in names and key not in ids:
                return _NO_NAME
            user = found_in(by_name, name) if key.startswith("@") else found_in(by_id, key)
            if user is None or user.get("protected") is True:
                return _LEFT_OUT if user is None else _PROTECTED
            with parsing_answer():
                return Resolved(id_of(user["id"], ID), name_of(user.get("username")) or name)

        return each(keys, of, tally, _off)

    def read(self, accounts: Sequence[PublicAccount], _lender: Access | None, tally: Tally) -> Mapping[str, Result]:
        """Return, by the accounts' keys, what X shows of them now; each has what its user and its posts cost."""
        if self._access is None:
            return {account.key: _WITHOUT_TOKEN for account in accounts}
        ask, credentials = XCalls(self._http, self._access, tally), self._access.credentials
        users, costs = self._users(ask, "ids", [account.platform_account_id for account in accounts], tally)
        by_key = {account.key: account for account in accounts}

        def of(key: str) -> PublicSnapshot | Refusal:
            account = by_key[key]
            user = found_in(users, account.platform_account_id)
            if user is None or user.get("protected") is True:
                return _LEFT_OUT if user is None else _PROTECTED
            with parsing_answer():
                numbers = account_numbers(user)
            reading = AccountReading.of(numbers, name_of(user.get("username")))
            budget = BilledPosts(self._bill, tally, account.wanted.budget)
            access = Access(account.platform_account_id, credentials)
            wanted = replace(account.wanted, budget=budget)
            Posts(ask, access, self._quarantine, wanted, reading, tally, content=False, own=False).read()
            return snapshot(self.name, account, reading, costs.get(account.platform_account_id, 0.0) + budget.usd)

        return each(by_key, of, tally, _off)

    def _users(
        self, ask: XCalls, parameter: str, names: Sequence[str], tally: Tally
    ) -> tuple[Loaded[User], Mapping[str, float]]:
        """Return users by `usernames`, in lower case, or by `ids`, or the error of each; and what each user cost."""
        path, field = ("users/by", "username") if parameter == "usernames" else ("users", "id")
        costs: dict[str, float] = {}

        def fetch(some: Sequence[str]) -> Mapping[str, User | PlatformError]:
            body = ask(path, {parameter: ",".join(some), **_FIELDS})
            if not {"data", "errors"} & body.keys():
                raise BadAnswer("X's answer has an unexpected form: it has neither users nor errors")
            with parsing_answer():
                users = {str(user[field]).lower(): user for user in items_of(body.get("data", []))}
                missing = {name.lower(): _error_of(one) for name, one in problems_by_id(body).items()}
                for user in users.values():
                    costs[str(user["id"])] = self._bill.charge("user", [str(user["id"])], tally)
            return {**missing, **users}

        return look_up(names, MAX_USERS, fetch, tally), costs


def _error_of(problem: Mapping[str, Any]) -> PlatformError:
    """Return the error of a missing user: X gives a suspended one the type of a missing one, and another text."""
    error = error_of_problem(problem)
    return AccountUnreachable(str(error).rstrip(".")) if isinstance(error, PostGone | PermissionMissing) else error


def _off(error: PlatformError) -> str | None:
    """Return why no user can be read: the app's token is refused."""
    if not isinstance(error, NeedsReauth | PermissionMissing):
        return None
    return f"X refuses TIDEMARK_TWITTER_APP_TOKEN: {str(error).rstrip('.')}."
