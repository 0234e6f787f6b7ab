"""The common calls for several channels: of channels, of the statistics of videos, and of videos themselves.

Facts: docs/platform-facts.md#youtube-data-api.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, PermissionMissing, PlatformError, PostGone
from pipelines.platforms.pool import Loaded, Pool, Readers
from pipelines.platforms.youtube.answers import CHANNEL, VIDEO, by_id, has_id, items_of
from pipelines.platforms.youtube.calls import Calls

MAX_IDS = 50
GENERAL, STATS = "general", "stats"
"""Quotas of the app (`metrics/platforms/youtube.py`)."""

_PATH = "/youtube/v3/"
CHANNEL_PARTS, CHANNELS = "id,snippet,statistics,contentDetails", "youtube#channelListResponse"
"""The parts of channels that are read, and the kind of the answer."""

_LOOKED_UP = "id,snippet,status,statistics"

Items = Mapping[str, Mapping[str, Any] | PlatformError]


class Pools:
    """Reads channels and videos by id, those of several accounts in one call."""

    def __init__(self, calls: Calls, shared: Access | None) -> None:
        self._calls = calls
        self.readers = Readers()
        self._channels = Pool[Mapping[str, Any]](self._read_channels, self.readers, MAX_IDS, shared=shared)
        self._stats = Pool[Mapping[str, Any]](self._read_stats, self.readers, MAX_IDS, shared=shared, patient=True)
        self._videos = Pool[Mapping[str, Any]](self._read_videos, self.readers, MAX_IDS, shared=shared)
        self._without_stats = False
        """True once YouTube said that it does not offer `videos:batchGetStats`."""

    def channel(self, channel_id: str, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return a channel, or None if YouTube does not show it.

        Raises:
            PlatformError: the channel could not be read.
        """
        loaded = self.channels([channel_id], access, tally)
        for error in loaded.errors.values():
            raise error
        return loaded.values.get(channel_id)

    def channels(self, channel_ids: Sequence[str], access: Access, tally: Tally) -> Loaded[Mapping[str, Any]]:
        """Return channels; those that YouTube does not show are left out."""
        return self._channels.load(channel_ids, access, tally) if channel_ids else Loaded()

    def statistics(self, video_ids: Sequence[str], access: Access, tally: Tally) -> Loaded[Mapping[str, Any]]:
        """Return the statistics of videos. A video that two different calls leave out is gone, or private."""
        loaded = Loaded[Mapping[str, Any]]()
        if not self._without_stats:
            loaded = self._stats.load(video_ids, access, tally)
        # The call for statistics is not atomic, and may be denied: the other videos may be there as well.
        denied = {one for one, why in loaded.errors.items() if isinstance(why, PermissionMissing)}
        failed = {one: why for one, why in loaded.errors.items() if one not in denied}
        unsure = [one for one in video_ids if one not in loaded.values and one not in failed]
        unasked = set(unsure) if self._without_stats else denied
        left_out = self._load_videos([one for one in unsure if one not in unasked], access, tally)
        others = self.videos([one for one in unsure if one in unasked], access, tally)
        return Loaded(loaded.values | left_out.values | others.values, failed | left_out.errors | others.errors)

    def videos(self, video_ids: Sequence[str], access: Access, tally: Tally) -> Loaded[Mapping[str, Any]]:
        """Return videos with their statistics and the channel that they belong to.

        A video that two answers leave out is gone, or private; one answer may have been cut off.
        """
        first = self._load_videos(video_ids, access, tally)
        missing = [one for one in video_ids if one not in first.values and one not in first.errors]
        second = self._load_videos(missing, access, tally)
        return Loaded(first.values | second.values, first.errors | second.errors)

    def _load_videos(self, video_ids: Sequence[str], access: Access, tally: Tally) -> Loaded[Mapping[str, Any]]:
        return self._videos.load(video_ids, access, tally) if video_ids else Loaded()

    def _read_channels(self, ids: Sequence[str], access: Access, tally: Tally) -> Items:
        return self._by_id("channels", CHANNEL_PARTS, ids, access, tally, GENERAL, CHANNELS, CHANNEL)

    def _read_stats(self, ids: Sequence[str], access: Access, tally: Tally) -> Items:
        kind = "youtube#batchGetStatsResponse"
        try:
            return self._by_id("videos:batchGetStats", "id,statistics", ids, access, tally, STATS, kind, VIDEO)
        except PostGone:
            # This call is answered with 404 only if YouTube does not have it.
            self._without_stats = True
            return {}

    def _read_videos(self, ids: Sequence[str], access: Access, tally: Tally) -> Items:
        return self._by_id("videos", _LOOKED_UP, ids, access, tally, GENERAL, "youtube#videoListResponse", VIDEO)

    def _by_id(
        self,
        path: str,
        parts: str,
        ids: Sequence[str],
        access: Access,
        tally: Tally,
        quota: str,
        kind: str,
        form: re.Pattern[str],
    ) -> Items:
        params = {"part": parts, "id": ",".join(ids)}
        if path == "channels":
            # Without it, at most five channels would be in the answer.
            params["maxResults"] = str(MAX_IDS)
        items = items_of(self._calls.get(_PATH + path, params, access, tally, quota), kind)
        found = by_id(items, form)
        if foreign := found.keys() - set(ids):
            # An answer to another request says nothing about the ids that it lacks.
            raise BadAnswer(f"YouTube's answer has an unexpected form: {min(foreign)} was not requested")
        if all(has_id(item, form) for item in items):
            return found
        # An item without a valid id may be any of those that are missing: these are not known to be gone.
        unsure = BadAnswer("YouTube's answer has an unexpected form: an item has no valid id")
        return found | {one: unsure for one in ids if one not in found}
