"""Reads the videos of one TikTok account: its list, and due videos by id.

Facts: docs/platform-facts.md#tiktok-endpoints.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from metrics.batches import batched
from metrics.catalog import offered
from pipelines.platforms.answers import items_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import RequestRefused
from pipelines.platforms.list_reader import ListReader
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pages import Page, Place
from pipelines.platforms.paging import PostList
from pipelines.platforms.quarantine import Quarantine, Refused
from pipelines.platforms.tiktok.answers import ID, content_of, listed_post, next_place, parsing_answer, post_numbers

VIDEOS, PAST = "videos", "videos of the past"
LIST, QUERY = "video/list", "video/query"
PAGE = 20
MAX_IDS = 20

_NEEDED = ("id", "create_time")
_CONTENT = ("share_url", "video_description")
_COUNTS = tuple(offer.field for offer in offered("tiktok", "post").values() if not offer.further)


class Ask(Protocol):
    """Sends a POST request to an endpoint for some fields; returns the `data` of the answer."""

    def __call__(self, endpoint: str, fields: Sequence[str], body: Mapping[str, Any], /) -> Mapping[str, Any]: ...


class Posts(ListReader):
    """Reads the videos of one account, and adds their metrics to `reading`; with `content`, also text and link."""

    def __init__(
        self,
        ask: Ask,
        access: Access,
        quarantine: Quarantine,
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
        *,
        content: bool,
    ) -> None:
        super().__init__(wanted, reading, tally)
        self._ask, self._access, self._quarantine = ask, access, quarantine
        self._optional = (*_COUNTS, *_CONTENT) if content else _COUNTS
        # Fields that TikTok refused are left out for the rest of this reading, because one of them fails a whole call.
        self._refused = {
            field
            for field in self._optional
            if quarantine.is_refused(field, "post") and not quarantine.should_retry(field, "post")
        }
        self._searched = False

    def read(self) -> None:
        """Read the list, then by id the due videos that it did not return.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        self._read_list(self._list(VIDEOS))
        unread = [post for post in self._wanted.due if post.platform_post_id not in self._read]
        valid = [post for post in unread if self._has_valid_id(post)]
        missing = [post for some in batched(valid, MAX_IDS) for post in self._look_up(some)]
        for some in batched(missing, MAX_IDS):
            self._reading.gone += [post.platform_post_id for post in self._look_up(some)]
        self._reading.quarantined |= {str(Refused(field, "post")) for field in self._refused}

    def past(self) -> Iterator[AccountReading]:
        """Return the pages of the list, each with the metrics of those of its videos that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        return self._read_past(self._list(PAST))

    def _list(self, name: str) -> PostList:
        return PostList(name, self._page, listed_post, self._wanted.listed, self._wanted.since, PAGE)

    def _page(self, place: Place, size: int) -> Page:
        more = {"cursor": int(place["cursor"])} if place else {}
        data = self._videos(LIST, {"max_count": size, **more})
        with parsing_answer():
            return Page.of(data["videos"], lambda: next_place(data), data)

    def _items(self, body: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        return {str(video.get("id")): video for video in body.get("videos") or () if isinstance(video, Mapping)}

    def _has_valid_id(self, post: Post) -> bool:
        """Tell whether a post has the id of a video; note a failure if not, since one such id fails a whole call."""
        is_valid = ID.fullmatch(post.platform_post_id) is not None
        if not is_valid:
            self._reading.failures[post.platform_post_id] = "it is not the id of a video on TikTok"
        return is_valid

    def _look_up(self, posts: Sequence[Post]) -> list[Post]:
        """Read videos by id; return those that the answer leaves out, except for videos that are known to be deleted.

        The answer silently leaves out videos that are deleted, private, or of another account. An answer that was cut
        off lacks videos as well, so only those that a second answer leaves out again are gone. An answer that contains
        anything that was not requested says nothing about the videos that it leaves out: each of them is a failure.
        """
        if self._tally.limited is not None:
            return []
        by_id = {post.platform_post_id: post for post in posts}
        with self._reading.part("videos by id", self._tally):
            data = self._videos(QUERY, {"filters": {"video_ids": list(by_id)}})
            with parsing_answer():
                items = items_of(data["videos"])
            found = {str(item.get("id")): item for item in items if isinstance(item, Mapping)}
            for name in (name for name in by_id if name in found):
                self._put(by_id[name], found[name])
            missing = [post for name, post in by_id.items() if name not in found]
            if len(items) == len(found) and found.keys() <= by_id.keys():
                return [post for post in missing if post.platform_post_id not in self._wanted.deleted]
            why = "it was left out, but another one was in the answer"
            self._reading.failures.update({post.platform_post_id: why for post in missing})
        return []

    def _videos(self, endpoint: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read videos with all their fields, except for fields that TikTok no longer knows.

        Raises:
            PlatformError: they could not be read.
        """
        try:
            data = self._ask(endpoint, self._fields(), body)
        except RequestRefused:
            if not self._finds_refused_fields():
                raise
            data = self._ask(endpoint, self._fields(), body)
        for field in self._optional:
            if field not in self._refused:
                self._quarantine.accept(field, "post")
        return data

    def _fields(self) -> Sequence[str]:
        return (*_NEEDED, *(field for field in self._optional if field not in self._refused))

    def _finds_refused_fields(self) -> bool:
        """Request each optional field alone, once per reading; return whether TikTok refuses any, which is left out.

        The message of the error has no documented form, so it cannot be relied on to name the field.

        Raises:
            PlatformError: the fields could not be requested.
        """
        if self._searched or self._is_refused():
            # TikTok refuses something else.
            return False
        self._searched = True
        found = {field for field in self._optional if field not in self._refused and self._is_refused(field)}
        for field in found:
            self._quarantine.refuse(Refused(field, "post", "", field), self._access.platform_account_id)
        self._refused |= found
        return bool(found)

    def _is_refused(self, *fields: str) -> bool:
        try:
            self._ask(LIST, ("id", *fields), {"max_count": 1})
        except RequestRefused:
            return True
        return False

    def _parsed(self, post: Post, item: Mapping[str, Any]) -> tuple[Post, Numbers]:
        return replace(post, content=content_of(item)), post_numbers(post, item, self._refused)
