"""Reads Pages of others on Facebook, with the token of a system user of an app with Page Public Content Access.

A batch reads 25 Pages with the newest posts of their feeds. The feed is a selection of the posts, without reels.

Facts: docs/platform-facts.md#facebook-pages-of-others.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from metrics.batches import batched
from metrics.catalog import Offer
from metrics.documents import Platform, Reason
from metrics.platforms.facebook import API_VERSION
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import NeedsReauth, PermissionMissing, PlatformError
from pipelines.platforms.facebook.answers import LEVEL, account_numbers, listed_post, shares, summary
from pipelines.platforms.graph.answers import parsing_answer
from pipelines.platforms.graph.client import MAX_BATCH, Get, GraphApi, Result
from pipelines.platforms.graph.posts import next_place
from pipelines.platforms.graph.public import PAGE, PublicPosts, ask, shown
from pipelines.platforms.pages import Page, Place
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

_NAME = re.compile(r"[A-Za-z0-9.-]{1,100}")
_ID = re.compile(r"[0-9]+")
_OF_PAGE = {"fields": f"id,name,username,{LEVEL}"}
_OF_POSTS = (
    "id,created_time,status_type,attachments{media_type,target{id},url},reactions.summary(true).limit(0),"
    "comments.summary(true).limit(0),shares"
)
_EDGES = ("reactions", "comments")
_UNKNOWN: Mapping[str, Reason] = {"likes": "permission_missing", "comments": "permission_missing"}
"""Why a number is missing: the token has no access to its edge."""
_WITHOUT_TOKEN = Refusal("off", "Pages of others are read with TIDEMARK_FACEBOOK_APP_TOKEN, which is not set.")
_NOT_SHOWN = Refusal(
    "not_found",
    "Facebook shows no Page with this name: it does not exist, is the profile of a person, or is not for everybody, "
    "and the answer does not tell which.",
)
_NO_NAME = Refusal("not_found", "It is neither the name in the address of a Page nor a number.")

_Answers = tuple[PublicAccount, Result, Result]
"""A Page, and the answers about itself and about the first page of its feed."""


class FacebookPublic:
    """The reader of public numbers of `facebook`; thread-safe."""

    name: Platform = "facebook"
    api_version = API_VERSION

    def __init__(self, http: "Http", token: str | None) -> None:
        self._graph = GraphApi(http, API_VERSION)
        self._token = token

    def resolve(self, keys: Sequence[str], _lender: Access | None, tally: Tally) -> Mapping[str, Outcome]:
        """Return, for each name or number of a Page, the Page that has it now."""
        if self._token is None:
            return dict.fromkeys(keys, _WITHOUT_TOKEN)
        names = {key: key.removeprefix("@") for key in keys}
        asked = [name for name in dict.fromkeys(names.values()) if _NAME.fullmatch(name)]
        results = ask(self._graph, self._token, [Get(name, _OF_PAGE) for name in asked], tally)
        found = dict(zip(asked, results, strict=True))

        def of(key: str) -> Resolved | Refusal:
            if names[key] not in found:
                return _NO_NAME
            node = shown(found[names[key]])
            if node is None:
                return _NOT_SHOWN
            with parsing_answer():
                return Resolved(id_of(node["id"], _ID), name_of(node.get("username")) or names[key])

        return each(keys, of, Tally(), _off)

    def read(self, accounts: Sequence[PublicAccount], _lender: Access | None, tally: Tally) -> Mapping[str, Shown]:
        """Return, by the accounts' keys, what Facebook shows of them now."""
        if self._token is None:
            return {account.key: _WITHOUT_TOKEN for account in accounts}
        found: dict[str, Shown] = {account.key: _NO_NAME for account in accounts}
        known = [account for account in accounts if _ID.fullmatch(account.platform_account_id)]
        for some in batched(known, MAX_BATCH // 2):
            gets = [get for account in some for get in (Get(account.platform_account_id, _OF_PAGE), _feed(account, {}))]
            results = ask(self._graph, self._token, gets, tally)
            pairs = zip(some, results[::2], results[1::2], strict=True)
            answers = {account.key: (account, page, first) for account, page, first in pairs}

            def of(key: str, answers: Mapping[str, _Answers] = answers) -> PublicSnapshot | Refusal:
                return self._read(answers[key], tally)

            found |= each(answers, of, Tally(), _off)
        return found

    def _read(self, answers: _Answers, tally: Tally) -> PublicSnapshot | Refusal:
        """Return the snapshot of a Page, from the answers about itself and about the first page of its feed.

        Raises:
            PlatformError: the Page could not be read.
        """
        account, page, first = answers
        node = shown(page)
        if node is None:
            return _NOT_SHOWN
        with parsing_answer():
            if id_of(node["id"], _ID) != account.platform_account_id:
                return Refusal("not_found", "Facebook answers with another Page, of which this one became a part.")
            numbers = account_numbers(node)
        reading = AccountReading.of(numbers, name_of(node.get("username")) or name_of(node.get("name")))

        def fetch(place: Place, size: int) -> Page:
            answer = first
            if place or size != PAGE:
                (answer,) = self._graph.batch(str(self._token), [_feed(account, place, size)], tally)
            if isinstance(answer, PlatformError):
                raise answer
            with parsing_answer():
                return Page.of(answer["data"], partial(next_place, answer.get("paging") or {}), answer)

        PublicPosts(self.name, listed_post, _value_of, _UNKNOWN, account.wanted, reading, tally).read(fetch)
        return snapshot(self.name, account, reading)


def _feed(account: PublicAccount, place: Place, size: int = PAGE) -> Get:
    return Get(f"{account.platform_account_id}/feed", {"fields": _OF_POSTS, "limit": str(size), **place})


def _value_of(item: Mapping[str, Any], offer: Offer) -> object:
    return summary(item, offer.field) if offer.field in _EDGES else shares(item)


def _off(error: PlatformError) -> str | None:
    """Return why no Page can be read: the token ended, or the app lacks Page Public Content Access."""
    if not isinstance(error, NeedsReauth | PermissionMissing):
        return None
    return f"Facebook refuses TIDEMARK_FACEBOOK_APP_TOKEN for Pages of others: {str(error).rstrip('.')}."
