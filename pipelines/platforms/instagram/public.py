"""Reads professional accounts of others on Instagram, by Business Discovery through a connected account.

Each account takes one call, and one more for every fifty of its posts. An account is found by its user name alone, so
that an account whose name changed is not found again.

Facts: docs/platform-facts.md#instagram-business-discovery.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metrics.catalog import Offer
from metrics.documents import Platform
from metrics.platforms.instagram import API_VERSION
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import PermissionMissing, PlatformError
from pipelines.platforms.graph.answers import parsing_answer
from pipelines.platforms.graph.client import Get, GraphApi, Result
from pipelines.platforms.graph.public import PAGE, PublicPosts, ask, shown
from pipelines.platforms.instagram.answers import listed_post
from pipelines.platforms.instagram.api import by_instagram_login
from pipelines.platforms.numbers import Numbers, field_of
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.public.base import (
    Outcome,
    PublicAccount,
    PublicSnapshot,
    Refusal,
    Resolved,
    each,
    snapshot,
)
from pipelines.platforms.public.base import Result as Shown

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_NAME = re.compile(r"[A-Za-z0-9._]{1,50}")
_ID = re.compile(r"[0-9]+")
_OF_ACCOUNT = "id,username,followers_count,media_count"
_OF_MEDIA = "id,timestamp,media_type,media_product_type,like_count,comments_count,view_count"
_WITHOUT_LENDER = Refusal(
    "off",
    "Accounts of others are read through a connected Instagram account with Facebook Login: the workspace has none.",
)
_NOT_SHOWN = Refusal(
    "not_found",
    "Instagram shows no professional account with this name: it does not exist, is personal, private or age-gated, or "
    "was renamed, and the answer does not tell which.",
)
_NAME_TAKEN = Refusal("not_found", "The name belongs to another account now, and Instagram finds none by its id.")
_NO_NAME = Refusal("not_found", "It is no user name of Instagram, which has letters, digits, dots and underscores.")


class InstagramPublic:
    """The reader of public numbers of `instagram`; thread-safe."""

    name: Platform = "instagram"
    api_version = API_VERSION

    def __init__(self, http: "Http") -> None:
        self._graph = GraphApi(http, API_VERSION)

    def resolve(self, keys: Sequence[str], lender: Access | None, tally: Tally) -> Mapping[str, Outcome]:
        """Return, for each user name, the account that has it now."""
        if lender is None or by_instagram_login(lender):
            return dict.fromkeys(keys, _WITHOUT_LENDER)
        names = {key: key.removeprefix("@").lower() for key in keys}
        found = self._discover(lender, [name for name in names.values() if _NAME.fullmatch(name)], _OF_ACCOUNT, tally)

        def of(key: str) -> Resolved | Refusal:
            if names[key] not in found:
                return _NO_NAME
            node = _account(found[names[key]])
            if node is None:
                return _NOT_SHOWN
            with parsing_answer():
                return Resolved(id_of(node["id"], _ID), name_of(node["username"]) or names[key])

        return each(keys, of, Tally(), _off)

    def read(self, accounts: Sequence[PublicAccount], lender: Access | None, tally: Tally) -> Mapping[str, Shown]:
        """Return, by the accounts' keys, what Instagram shows of them now."""
        if lender is None or by_instagram_login(lender):
            return {account.key: _WITHOUT_LENDER for account in accounts}
        by_key = {account.key: account for account in accounts}
        fields = f"{_OF_ACCOUNT},{_media(PAGE, {})}"
        names = [account.handle for account in accounts if _NAME.fullmatch(account.handle)]
        found = self._discover(lender, names, fields, tally)

        def of(key: str) -> PublicSnapshot | Refusal:
            account = by_key[key]
            if account.handle not in found:
                return _NO_NAME
            node = _account(found[account.handle])
            if node is None:
                return _NOT_SHOWN
            with parsing_answer():
                if id_of(node["id"], _ID) != account.platform_account_id:
                    return _NAME_TAKEN
                numbers = Numbers()
                numbers.take("followers", field_of(node, "followers_count"), "provider_error")
                numbers.take("posts", field_of(node, "media_count"), "provider_error")
            reading = AccountReading.of(numbers, name_of(node.get("username")))
            posts = PublicPosts(
                self.name, listed_post, _value_of, {"likes": "permission_missing"}, account.wanted, reading, tally
            )

            first = [node]

            def fetch(place: Place, size: int) -> Page:
                answer = first.pop() if first and not place and size == PAGE else None
                if answer is None:
                    part = self._discover(lender, [account.handle], _media(size, place), tally)
                    answer = _account(part[account.handle])
                with parsing_answer():
                    media = (answer or {}).get("media") or {"data": []}
                    return Page.of(media["data"], lambda: _following(media), media)

            posts.read(fetch)
            return snapshot(self.name, account, reading)

        # A limit that the first call met is the result of all accounts that it did not read: it is in `found`.
        return each(by_key, of, Tally(), _off)

    def _discover(self, lender: Access, names: Sequence[str], fields: str, tally: Tally) -> dict[str, Result]:
        """Return the answer about each user name, or its error; each is a call of its own."""
        unique = list(dict.fromkeys(names))
        gets = [
            Get(lender.platform_account_id, {"fields": f"business_discovery.username({name}){{{fields}}}"})
            for name in unique
        ]
        return dict(zip(unique, ask(self._graph, lender.token, gets, tally), strict=True))


def _account(result: Result) -> Mapping[str, Any] | None:
    """Return the account in an answer; None if Instagram does not show it.

    Raises:
        PlatformError: it could not be read.
    """
    answer = shown(result)
    if answer is None:
        return None
    with parsing_answer():
        node: Mapping[str, Any] = answer["business_discovery"]
    return node


def _media(size: int, place: Place) -> str:
    after = f".after({place['after']})" if "after" in place else ""
    return f"media.limit({size}){after}{{{_OF_MEDIA}}}"


def _following(media: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page; the list has no `next`, only a cursor."""
    after = ((media.get("paging") or {}).get("cursors") or {}).get("after")
    return {"after": cursor(after)} if after and media["data"] else None


def _value_of(item: Mapping[str, Any], offer: Offer) -> object:
    return field_of(item, offer.field)


def _off(error: PlatformError) -> str | None:
    """Return why no account can be looked up: the lending account lacks the permission."""
    if not isinstance(error, PermissionMissing):
        return None
    return f"The connected Instagram account may not look others up: {str(error).rstrip('.')}."
