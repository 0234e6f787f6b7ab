"""Helper for tests of readers of public numbers: reads accounts of the simulator, and compares them with the truth."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from metrics.catalog import shown_of_others
from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.platforms.registry import FACTS
from metrics.settings import PLATFORM_APIS, load_settings
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.memory import Memory
from pipelines.platforms.public.base import Outcome, PublicAccount, PublicSnapshot, Result
from pipelines.platforms.public.registry import open_public_reader
from simulator import truth
from simulator.facebook.public import WITH_ACCESS
from simulator.registry import credentials, new_world
from simulator.twitter.tokens import token_of_app
from simulator.world import SimAccount, SimPost
from tests.simulator_fixture import Simulator

APP_TOKEN = token_of_app("app")
SYSTEM_USER = new_world().account("facebook", 0).token + WITH_ACCESS
SECRETS: Mapping[str, Any] = {
    "facebook_app_token": SYSTEM_USER,
    "youtube_api_key": "AIza" + 35 * "k",
    "twitter_app_token": APP_TOKEN,
}
"""The settings with the tokens of the app that routes need."""
LENDER, OTHERS = 3, (150, 151, 152)
"""Indexes of the workspace's own account, and of accounts of others that every platform shows."""
_DAYS = 20
TRUE_FIELDS: Mapping[tuple[Platform, str], str] = {("instagram", "view_count"): "total_views"}
"""The fields of the truth for fields of public routes that have another name there, by platform."""


class Watching:
    """A platform's reader of public numbers, connected to the simulator; `now` is the instant of both sides."""

    def __init__(self, simulator: Simulator, platform: Platform, **settings: Any) -> None:
        self.now = utcnow().replace(microsecond=0)
        simulator.set_clock(self.now)
        self.simulator, self.platform = simulator, platform
        urls = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
        self.settings = load_settings(_env_file=None, **(urls | dict(SECRETS) | settings))
        self.reader = open_public_reader(platform, self.settings)
        own = self.account(LENDER)
        lends = FACTS[platform].public_numbers
        assert lends is not None
        self.lender = Access(own.platform_account_id, credentials(own)) if lends.lends else None
        self.tally = Tally()

    def account(self, index: int) -> SimAccount:
        """Return an account of the simulator."""
        return self.simulator.world.account(self.platform, index)

    def id_key(self, index: int) -> str:
        """Return the key of an account by its id, or by its handle where the platform finds none by an id."""
        account = self.account(index)
        return f"@{account.handle}" if self.platform in ("instagram", "threads") else account.platform_account_id

    def resolve(self, *keys: str) -> Mapping[str, Outcome]:
        """Look accounts up."""
        return self.reader.resolve(list(keys), self.lender, self.tally)

    def watched(self, index: int, *due: Post, memory: Memory | None = None) -> PublicAccount:
        """Return an account as a run hands it in: watched for the first time, or with posts that are due."""
        account = self.account(index)
        known = {post.platform_post_id: post for post in due}
        wanted = Wanted(self.now - timedelta(days=_DAYS), due, known, memory=memory or Memory())
        own_id = f"@{account.handle}" if self.platform == "threads" else account.platform_account_id
        return PublicAccount(f"key of {index}", own_id, account.handle, wanted)

    def read(self, *indexes: int) -> dict[int, Result]:
        """Read accounts that are watched for the first time."""
        found = self.reader.read([self.watched(index) for index in indexes], self.lender, self.tally)
        assert len(found) == len(set(indexes))
        return {index: found[f"key of {index}"] for index in indexes}

    def snapshot(self, index: int) -> PublicSnapshot:
        """Read an account that the platform shows."""
        found = self.read(index)[index]
        assert isinstance(found, PublicSnapshot), found
        return found

    def here(self, index: int) -> list[SimPost]:
        """Return the posts of an account that are young enough to be read, and that exist, without stories."""
        posts = self.simulator.world.posts(self.account(index), self.now - timedelta(days=_DAYS), self.now)
        return [post for post in posts if post.visible(self.now) and post.metric_type != "story"]

    def check(self, index: int, found: PublicSnapshot) -> int:
        """Compare all numbers of a snapshot with the truth; return how many there were.

        A number may be missing only if the owner can hide it. Numbers may be up to 20 seconds newer than `now`.
        """
        account, world = self.account(index), self.simulator.world
        facts = FACTS[self.platform].public_numbers
        assert facts is not None
        instants = [self.now + timedelta(seconds=second) for second in range(20)]
        levels = shown_of_others(self.platform, "account")
        assert set(found.levels) == set(levels)
        for name, offer in levels.items():
            possible = {truth.account_value(world, account, self._field(offer.field), at) for at in instants}
            assert found.levels[name] in possible, name
        checked = len(levels)
        for post, read in found.posts:
            true = world.post(self.platform, post.platform_post_id)
            assert true is not None
            assert (post.metric_type, post.content_type) == (true.metric_type, true.content_type)
            offers = shown_of_others(self.platform, post.metric_type, post.content_type)
            assert set(read.metrics) | set(read.unavailable) == set(offers)
            for name, offer in offers.items():
                if name not in read.metrics:
                    assert name in facts.hidden or read.unavailable[name] == "not_supported", name
                    continue
                sums = (sum(truth.post_value(world, true, self._field(part), at) for part in offer.parts)
                        for at in instants)  # fmt: skip
                assert read.metrics[name] in set(sums), name
                checked += 1
        return checked

    def _field(self, name: str) -> str:
        return TRUE_FIELDS.get((self.platform, name), name)
