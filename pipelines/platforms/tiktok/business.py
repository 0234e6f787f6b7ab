"""Reads what only TikTok's organic API for Business tells: further counters of videos, and an account's UTC days.

It needs a second grant of the same account, for another app: `second_account_id` and `second_access_token` in the
credentials. A failure here never costs a number of the Display API.

Facts: docs/platform-facts.md#tiktok-api-for-business.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson

from metrics.batches import batched
from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Reason
from pipelines.platforms.answers import items_of, values_by_day
from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import NeedsReauth, PermissionMissing, PlatformError
from pipelines.platforms.http.retries import retrying
from pipelines.platforms.numbers import ABSENT, Numbers, field_of
from pipelines.platforms.tiktok.business_answers import data_of, parsing_answer, post_numbers, raise_for, take

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

PREFIX = "/open_api/v1.3"
REFRESH = f"{PREFIX}/tt_user/oauth2/refresh_token/"
PART = "numbers of the second grant"
MAX_IDS = 20

OF_POSTS = {name: offer.field for name, offer in offered("tiktok", "post").items() if offer.further}
OF_DAYS = {name: offer.field for name, offer in offered("tiktok", "account").items() if offer.further}
_PACED = "business"
"""The limit per second is one of the app, so all endpoints have one pace."""


def is_granted(access: Access) -> bool:
    """Tell whether an account has a second grant."""
    return {"second_account_id", "second_access_token"} <= access.credentials.keys()


class Business:
    """The organic API for one account."""

    def __init__(self, http: "Http", app: App, access: Access, tally: Tally) -> None:
        self._http, self._app, self._access, self._tally = http, app, access, tally

    def complete(self, reading: AccountReading) -> None:
        """Add the further counters to the videos of a reading, or the reason why they are missing."""
        found: dict[str, Numbers] = {}
        answered = set[str]()
        why: Reason = "permission_missing"
        if is_granted(self._access) and reading.posts:
            why = "provider_error"
            with reading.part(PART, self._tally):
                try:
                    for some in batched([post for post, _ in reading.posts], MAX_IDS):
                        found |= self._numbers(some)
                        answered |= {post.platform_post_id for post in some}
                except (NeedsReauth, PermissionMissing) as error:
                    # The tokens of the Display API still work, so the account as a whole does not need a person.
                    reading.failures[PART], why = str(error), error.reason
        whys: dict[str, Reason] = dict.fromkeys(answered, "not_yet_available")
        reading.posts = [
            (post, _completed(post, one, found, whys.get(post.platform_post_id, why))) for post, one in reading.posts
        ]
        for name, numbers in found.items():
            reading.note_odd(f"post {name}", numbers.odd)

    def days(self, days: Sequence[date], found: Mapping[date, Numbers]) -> None:
        """Add the numbers of UTC days to `found`, or the reason why they are missing.

        Raises:
            PlatformError: the days could not be read.
        """
        if not is_granted(self._access):
            _miss(found, "permission_missing")
            return
        params = {"start_date": min(days).isoformat(), "end_date": max(days).isoformat()}
        try:
            data = self._get("business/get", [*OF_DAYS.values()], params)
        except (NeedsReauth, PermissionMissing):
            _miss(found, "permission_missing")
            return
        with parsing_answer():
            rows = [(date.fromisoformat(row["date"]), row) for row in items_of(data["metrics"])]
        for name, field in OF_DAYS.items():
            values = values_by_day((day, field_of(row, field)) for day, row in rows)
            for day, numbers in found.items():
                take(numbers, name, values.get(day, ABSENT), "not_yet_available")

    def renewed(self) -> dict[str, str]:
        """Return new tokens of the second grant, by their names in the credentials; nothing if they stay as they are.

        The new pair of the Display API must be stored whatever happens here, so no failure is raised.
        """
        credentials = self._access.credentials
        needed = ("second_refresh_token", "second_client_id", "second_client_secret")
        if not set(needed) <= credentials.keys():
            return {}
        form = {name.removeprefix("second_"): str(credentials[name]) for name in needed}
        self._tally.calls += 1
        self._tally.requests += 1
        try:
            status, body, headers = self._http.send("POST", REFRESH, json={**form, "grant_type": "refresh_token"})
            with parsing_answer():
                raise_for(status, body, headers)
                data = data_of(body)
                tokens = {f"second_{name}": data.get(name) for name in ("access_token", "refresh_token")}
        except PlatformError:
            return {}
        return {name: token for name, token in tokens.items() if isinstance(token, str) and token}

    def _numbers(self, posts: Sequence[Post]) -> dict[str, Numbers]:
        """Return the further counters of videos, by id; those that the answer leaves out are not in the result."""
        by_id = {post.platform_post_id: post for post in posts}
        params = {"max_count": str(MAX_IDS), "filters": orjson.dumps({"video_ids": list(by_id)}).decode()}
        data = self._get("business/video/list", ["item_id", *OF_POSTS.values()], params)
        with parsing_answer():
            items = items_of(data["videos"])
        named = ((str(item.get("item_id")), item) for item in items if isinstance(item, Mapping))
        return {name: post_numbers(by_id[name], item, utcnow()) for name, item in named if name in by_id}

    def _get(self, endpoint: str, fields: Sequence[str], params: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the `data` of an answer. All fields travel in one parameter, as a JSON array.

        Raises:
            PlatformError: the call failed.
        """
        found: Mapping[str, Any] = {}
        credentials = self._access.credentials
        sent = {
            "business_id": str(credentials["second_account_id"]),
            "fields": orjson.dumps(list(fields)).decode(),
            **params,
        }
        for attempt in retrying(self._tally):
            with attempt:
                self._tally.waited_seconds += self._app.pace.wait(_PACED, burst=False)
                self._tally.count_call()
                status, body, headers = self._http.send(
                    "GET",
                    f"{PREFIX}/{endpoint}/",
                    token=str(credentials["second_access_token"]),
                    sent_as="Access-Token",
                    params=sent,
                )
                with parsing_answer():
                    raise_for(status, body, headers)
                    found = data_of(body)
        return found


def _miss(found: Mapping[date, Numbers], why: Reason) -> None:
    for numbers in found.values():
        for name in OF_DAYS:
            numbers.miss(name, why)


def _completed(post: Post, reading: Reading, found: Mapping[str, Numbers], why: Reason) -> Reading:
    """Return a reading with the further counters of its video; `why` tells why they are missing, if they are."""
    numbers = found.get(post.platform_post_id) or Numbers(unavailable=dict.fromkeys(OF_POSTS, why))
    metrics, unavailable = {**reading.metrics, **numbers.metrics}, {**reading.unavailable, **numbers.unavailable}
    return Reading(reading.read_at, metrics, unavailable)
