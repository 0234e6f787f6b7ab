"""Reads the videos of one YouTube channel: the list of its uploads, and statistics by id, together with other channels.

Facts: docs/platform-facts.md#youtube-data-api.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from metrics.clock import utcnow
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import NeedsReauth, PlatformError, PostGone, RateLimited
from pipelines.platforms.numbers import ABSENT, field_of
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import PostList, descend, walk
from pipelines.platforms.pool import Loaded
from pipelines.platforms.youtube.answers import (
    UPLOADS_LIST,
    VIDEO,
    is_hidden,
    items_of,
    listed_post,
    parsing_answer,
    post_numbers,
)
from pipelines.platforms.youtube.pools import Pools
from pipelines.platforms.youtube.uploads import UPLOADS, is_due, note_read

PAGE = 50
STATISTICS = "statistics of videos"

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class Posts:
    """Reads the videos of one channel, and adds their metrics to `reading`."""

    def __init__(
        self,
        ask: Ask,
        pools: Pools,
        access: Access,
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
        *,
        content: bool,
    ) -> None:
        self._content = content
        self._parts = "contentDetails,status,snippet" if content else "contentDetails,status"
        self._ask, self._pools, self._access = ask, pools, access
        self._wanted, self._reading, self._tally = wanted, reading, tally

    def read(self, channel: Mapping[str, Any] | None) -> None:
        """Read the list of uploads if it is due, then the statistics of due and new videos.

        `channel` is the channel as YouTube shows it, None if it could not be read: then its list cannot either.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        self._read_statistics(self.to_read(channel))

    def to_read(self, channel: Mapping[str, Any] | None) -> list[Post]:
        """Read the list of uploads if it is due; return the due and the new videos, whose statistics are to be read.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        if channel is not None:
            self._list_if_due(channel)
        news = self._wanted.posts_to_read(self._reading.listed)
        again = {post.platform_post_id for post in news}
        return [*(post for post in self._wanted.due if post.platform_post_id not in again), *news]

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the list, each with the statistics of those of its videos that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        whole, memory = self._reading, self._wanted.memory.list(UPLOADS)
        for parsed in descend(self._list(_uploads_of(self._access, {})), memory, whole, self._tally):
            self._reading = AccountReading(Reading(utcnow()))
            self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
            self._read_statistics(self._wanted.posts_to_read(self._reading.listed))
            self._stop_at_quota()
            yield self._reading
        self._stop_at_quota()
        if whole.failures:
            yield whole

    def _stop_at_quota(self) -> None:
        """Treat a used quota as a limit of everything: what is past can wait until the quota begins anew."""
        self._tally.limited = self._tally.limited or self._tally.quota_used

    def _list_if_due(self, channel: Mapping[str, Any]) -> None:
        memory, now = self._wanted.memory.list(UPLOADS), utcnow()
        channel_id = self._access.platform_account_id
        videos = self._reading.account.metrics.get("posts")
        if self._tally.limited is not None or not is_due(memory, channel_id, videos, now, content=self._content):
            return
        failed_before = set(self._reading.failures)
        uploads = self._list(_uploads_of(self._access, channel), none_expected=videos == 0)
        for parsed in walk(uploads, memory, self._reading, self._tally):
            self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
        if self._reading.failures.keys() <= failed_before:
            news = bool(self._reading.listed.keys() - set(self._wanted.listed))
            note_read(memory, channel_id, videos, now, news=news, content=self._content)

    def _list(self, playlist_id: str, *, none_expected: bool = True) -> PostList:
        def page(place: Place, size: int) -> Page:
            params = {"part": self._parts, "playlistId": playlist_id, "maxResults": str(size), **place}
            try:
                body = self._ask("playlistItems", params)
            except PostGone:
                if place or not none_expected:
                    raise
                # A channel that never had a video may have no list of uploads.
                return Page((), None)
            with parsing_answer():
                return Page.of(items_of(body, "youtube#playlistItemListResponse"), lambda: _following(body), body)

        return PostList(UPLOADS, page, listed_post, self._wanted.listed, self._wanted.since, PAGE, skips=is_hidden)

    def _read_statistics(self, posts: Sequence[Post]) -> None:
        """Read the statistics of videos; videos that YouTube does not show are gone."""
        if self._tally.limited is not None:
            return
        by_id = {post.platform_post_id: post for post in posts}
        for odd in [one for one in by_id if not VIDEO.fullmatch(one)]:
            del by_id[odd]
            self._reading.failures[odd] = "it is not the id of a video on YouTube"
        # Of an id that a client named, only the video itself tells whether it belongs to the channel.
        named = [one for one in by_id if one in self._wanted.announced and one not in self._reading.listed]
        of_channel = [one for one in by_id if one not in set(named)]
        for ids, load in ((of_channel, self._pools.statistics), (named, self._pools.videos)):
            if ids:
                self.put([by_id[name] for name in ids], load(ids, self._access, self._tally))

    def put(self, posts: Sequence[Post], loaded: Loaded[Mapping[str, Any]]) -> None:
        """Add the statistics of videos to the reading, if YouTube shows them; videos that it does not show are gone.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        now = utcnow()
        for post in posts:
            name = post.platform_post_id
            if name in loaded.values:
                self._put(post, loaded.values[name], Reading(now))
            elif name in loaded.errors:
                self._fail(loaded.errors[name])
            elif name not in self._wanted.deleted:
                self._reading.gone.append(name)

    def _fail(self, error: Exception) -> None:
        """Note the error of some videos.

        Raises:
            NeedsReauth: nothing more can be read with this token.
            Exception: it is no error of the platform.
        """
        if isinstance(error, NeedsReauth) or not isinstance(error, PlatformError):
            raise error
        if isinstance(error, RateLimited):
            self._tally.note_limit(error)
        # One error of a whole call is one problem of the account, and not one for each video.
        self._reading.failures[STATISTICS] = str(error)

    def _put(self, post: Post, item: Mapping[str, Any], read: Reading) -> None:
        channel_id = field_of(field_of(item, "snippet"), "channelId")
        if channel_id is not ABSENT and channel_id != self._access.platform_account_id:
            self._reading.failures[post.platform_post_id] = "it is a video of another channel"
            return
        try:
            numbers = post_numbers(post, item)
        except UNEXPECTED as error:
            why = f"it has an unexpected form: {type(error).__name__}: {error}"
            self._reading.failures[post.platform_post_id] = why
            return
        if not numbers.metrics:
            self._reading.failures[post.platform_post_id] = "it has an unexpected form: it has no statistics"
        self._reading.posts.append((post, Reading(read.read_at, numbers.metrics, numbers.unavailable)))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)


def _uploads_of(access: Access, channel: Mapping[str, Any]) -> str:
    """Return the id of the list of a channel's uploads: as the channel tells it, or derived from the channel's id."""
    found = field_of(field_of(field_of(channel, "contentDetails"), "relatedPlaylists"), "uploads")
    is_valid = isinstance(found, str) and UPLOADS_LIST.fullmatch(found)
    return str(found) if is_valid else f"UU{access.platform_account_id[2:]}"


def _following(body: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page; None at the end.

    Raises:
        ValueError: there is a next page, but its token is not valid.
    """
    following = body.get("nextPageToken")
    return None if following is None else {"pageToken": cursor(following)}
