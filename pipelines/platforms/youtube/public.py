"""Reads channels of others on YouTube, with the API key of the app: fifty channels, and fifty videos, in one call.

The calls are pooled over all the accounts of a reading, whichever workspaces watch them. Only the list of uploads takes
calls of a channel's own, one for each fifty videos, and a handle that is resolved takes one.

Facts: docs/platform-facts.md#youtube-data-api.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrics.documents import Platform
from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, PlatformError
from pipelines.platforms.pool import Loaded
from pipelines.platforms.public.base import (
    Outcome,
    PublicAccount,
    PublicSnapshot,
    Refusal,
    Resolved,
    Result,
    Skipped,
    each,
    found_in,
    snapshot,
)
from pipelines.platforms.youtube.answers import (
    CHANNEL,
    KEY_REFUSED,
    account_numbers,
    by_id,
    items_of,
    parsing_answer,
    shown_name,
)
from pipelines.platforms.youtube.api import API_VERSION
from pipelines.platforms.youtube.calls import Calls
from pipelines.platforms.youtube.pools import CHANNEL_PARTS, CHANNELS, GENERAL, Pools
from pipelines.platforms.youtube.posts import Posts

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_WITHOUT_KEY = Refusal("off", "Channels of others are read with TIDEMARK_YOUTUBE_API_KEY, which is not set.")
_UNKNOWN = Refusal("not_found", "YouTube shows no such channel: it does not exist, or it was closed or suspended.")


@dataclass(frozen=True, slots=True)
class _Channel:
    """A channel whose list was read, and the videos whose statistics are to be read."""

    account: PublicAccount
    reading: AccountReading
    posts: Posts
    to_read: Sequence[Post]


class YouTubePublic:
    """The reader of public numbers of `youtube`; thread-safe."""

    name: Platform = "youtube"
    api_version = API_VERSION

    def __init__(self, http: "Http", app: App) -> None:
        self._calls = Calls(http, app)
        self._access = Access("", {"api_key": app.api_key}) if app.api_key else None
        self._pools = Pools(self._calls, self._access)

    def resolve(self, keys: Sequence[str], _lender: Access | None, tally: Tally) -> Mapping[str, Outcome]:
        """Return, for each handle or id of a channel, the channel that has it now."""
        access = self._access
        if access is None:
            return dict.fromkeys(keys, _WITHOUT_KEY)
        channels = self._pools.channels([key for key in keys if CHANNEL.fullmatch(key)], access, tally)

        def of(key: str) -> Resolved | Refusal:
            if CHANNEL.fullmatch(key):
                channel = found_in(channels, key)
            else:
                params = {"part": CHANNEL_PARTS, "forHandle": f"@{key.removeprefix('@')}"}
                body = self._calls.get("/youtube/v3/channels", params, access, tally, GENERAL)
                channel = next(iter(by_id(items_of(body, CHANNELS), CHANNEL).values()), None)
            if channel is None:
                return _UNKNOWN
            with parsing_answer():
                return Resolved(str(channel["id"]), shown_name(channel) or key.removeprefix("@"))

        return each(keys, of, tally, _off)

    def read(self, accounts: Sequence[PublicAccount], _lender: Access | None, tally: Tally) -> Mapping[str, Result]:
        """Return, by the accounts' keys, what YouTube shows of them now."""
        access = self._access
        if access is None:
            return {account.key: _WITHOUT_KEY for account in accounts}
        accounts_by_key = {account.key: account for account in accounts}
        channels = self._pools.channels([account.platform_account_id for account in accounts], access, tally)
        listed: dict[str, _Channel] = {}

        def list_of(key: str) -> Refusal | None:
            account = accounts_by_key[key]
            channel = found_in(channels, account.platform_account_id)
            if channel is None:
                return _UNKNOWN
            listed[key] = self._listed(account, channel, access, tally)
            return None

        without = each(accounts_by_key, list_of, tally, _off)
        to_read = [post.platform_post_id for one in listed.values() for post in one.to_read]
        loaded = self._pools.statistics(to_read, access, tally)

        found: dict[str, Result] = {key: result for key, result in without.items() if result is not None}
        return found | {key: self._with_statistics(one, loaded) for key, one in listed.items()}

    def _with_statistics(self, channel: _Channel, loaded: Loaded[Mapping[str, Any]]) -> PublicSnapshot | Skipped:
        try:
            channel.posts.put(channel.to_read, loaded)
        except PlatformError as error:
            return Skipped(error)
        return snapshot(self.name, channel.account, channel.reading)

    def _listed(self, account: PublicAccount, channel: Mapping[str, Any], shared: Access, tally: Tally) -> _Channel:
        """Return a channel with its levels, and read the list of its uploads if it is due."""
        with parsing_answer():
            numbers = account_numbers(channel)
            reading = AccountReading.of(numbers, shown_name(channel))
        access = Access(account.platform_account_id, shared.credentials)

        def ask(path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
            return self._calls.get(f"/youtube/v3/{path}", params, access, tally, GENERAL)

        posts = Posts(ask, self._pools, access, account.wanted, reading, tally, content=False)
        return _Channel(account, reading, posts, posts.to_read(channel))


def _off(error: PlatformError) -> str | None:
    """Return why no channel can be read: the key is refused."""
    refused = isinstance(error, BadAnswer) and str(error).endswith(KEY_REFUSED)
    return f"YouTube refuses the app: {error}." if refused else None
