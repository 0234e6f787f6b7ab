"""Helper for tests of a platform's client: reads one account of the simulator, and compares readings with the truth."""

from collections.abc import Iterable
from datetime import timedelta

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.settings import PLATFORM_APIS, load_settings
from pipelines.platforms.base import PostDaysReader
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import FOLLOWED, Wanted
from pipelines.platforms.memory import ListMemory, Memory
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import open_platform
from simulator import truth
from simulator.registry import credentials
from simulator.world import SimAccount, SimPost
from tests.simulator_fixture import Simulator


class Fetching:
    """A platform's client, connected to the simulator with one account; `now` is the instant of both sides."""

    def __init__(self, simulator: Simulator, platform: Platform) -> None:
        self.now = utcnow().replace(microsecond=0)
        simulator.set_clock(self.now)
        self.simulator, self.platform = simulator, platform
        urls = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
        settings = load_settings(_env_file=None, **urls)
        self.quarantine = Quarantine()
        self.api = open_platform(platform, settings, self.quarantine)
        self.tally = Tally()
        self.be(3)

    def be(self, index: int) -> None:
        """Switch to another account of the simulator."""
        self.account: SimAccount = self.simulator.world.account(self.platform, index)
        self.access = Access(self.account.platform_account_id, credentials(self.account))

    def posts(self, days: int = 90) -> list[SimPost]:
        """Return the posts that the account published, including deleted ones."""
        return self.simulator.world.posts(self.account, self.now - timedelta(days=days), self.now)

    def here(self, days: int = 90) -> list[SimPost]:
        """Return the posts of the account that still exist."""
        return [post for post in self.posts(days) if post.visible(self.now)]

    def read(self, followed: list[Post] | None = None) -> AccountReading:
        """Read the account with all followed posts due: for the first time, or as if an earlier reading listed them."""
        return self.api.read(self.access, wanted(*followed or []), self.tally)

    def level(self, field: str) -> int:
        """Return the true value of a field of the account."""
        return truth.account_value(self.simulator.world, self.account, field, self.now)

    def check(self, reading: AccountReading, *excused: str) -> int:
        """Compare all numbers with the truth; return how many there were. `excused` are allowed reasons for gaps.

        Numbers may be up to 20 seconds newer than `now`.
        """
        world, checked = self.simulator.world, 0
        for post, found in reading.posts:
            true = world.post(self.platform, post.platform_post_id)
            assert true is not None
            assert (post.metric_type, post.content_type) == (true.metric_type, true.content_type)
            assert post.published_at is not None
            assert abs(post.published_at - true.published_at) < timedelta(seconds=1)
            for name, offer in offered(self.platform, post.metric_type, post.content_type).items():
                if isinstance(self.api, PostDaysReader) and name in self.api.post_day_metrics:
                    continue
                if name not in found.metrics:
                    assert found.unavailable[name] in excused, name
                    continue
                # The simulator's clock advances while the account is read.
                instants = [self.now + timedelta(seconds=second) for second in range(20)]
                possible = {sum(truth.post_value(world, true, part, at) for part in offer.parts) for at in instants}
                assert found.metrics[name] in possible, name
                checked += 1
        return checked


def wanted(*followed: Post, known: Iterable[Post] = (), memory: Memory | None = None) -> Wanted:
    """Return what collection wants: `followed` posts are due, `known` ones only stored; lists returned all of them."""
    posts = {post.platform_post_id: post for post in (*followed, *known)}
    return Wanted(utcnow() - FOLLOWED, followed, posts, memory=memory or (brought(posts) if posts else Memory()))


def brought(names: Iterable[str]) -> Memory:
    """Return the memory of an account whose lists were read to the end and returned these posts."""
    mark = max((int(name) for name in names if name.isdecimal()), default=0)
    lists = (
        "stories",
        "media",
        "video_reels",
        "published_posts",
        "timeline",
        "posts",
        "uploads",
        "pins",
        "threads",
        "videos",
    )
    return Memory({name: ListMemory(begun=True, mark=str(mark) if mark else None) for name in lists})


def known(post: SimPost) -> Post:
    """Return a post of the simulator as collection stores it."""
    return Post(post.platform_post_id, post.metric_type, post.content_type, post.published_at)
