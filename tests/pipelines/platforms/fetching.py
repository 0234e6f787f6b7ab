"""A fetcher against the simulator, with one account, and its readings against the truth."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.settings import PLATFORM_APIS, load_settings
from pipelines.platforms.base import FOLLOWED, Access, AccountReading, Post, Tally, Wanted
from pipelines.platforms.memory import ListMemory, Memory
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import open_platform
from simulator import truth
from simulator.world import SimAccount, SimPost
from tests.simulator_fixture import Simulator


class Fetching:
    """What a test of a platform needs at hand; `now` is the instant of both sides."""

    def __init__(self, simulator: Simulator, platform: Platform) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        simulator.set_clock(self.now)
        self.simulator, self.platform = simulator, platform
        urls = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
        settings = load_settings(_env_file=None, **urls)
        self.quarantine = Quarantine()
        self.api = open_platform(platform, settings, self.quarantine)
        self.tally = Tally()
        self.be(3)

    def be(self, index: int) -> None:
        """Become another account of the simulator."""
        self.account: SimAccount = self.simulator.world.account(self.platform, index)
        self.access = Access(self.account.platform_account_id, {"access_token": self.account.token})

    def posts(self, days: int = 90) -> list[SimPost]:
        """What the account published, whatever became of it."""
        return self.simulator.world.posts(self.account, self.now - timedelta(days=days), self.now)

    def here(self, days: int = 90) -> list[SimPost]:
        """What is still up of it."""
        return [post for post in self.posts(days) if post.visible(self.now)]

    def read(self, followed: list[Post] | None = None) -> AccountReading:
        """Read the account with all followed posts due: the first time, or as after a reading that brought them."""
        return self.api.read(self.access, wanted(*followed or []), self.tally)

    def level(self, field: str) -> int:
        """What is true of the account."""
        return truth.account_value(self.simulator.world, self.account, field, self.now)

    def check(self, reading: AccountReading, *excused: str) -> int:
        """Compare every number with the truth; return how many there were. `excused` are reasons for missing ones."""
        world, checked = self.simulator.world, 0
        for post, found in reading.posts:
            true = world.post(self.platform, post.platform_post_id)
            assert true is not None
            assert (post.metric_type, post.content_type) == (true.metric_type, true.content_type)
            assert abs(post.published_at - true.published_at) < timedelta(seconds=1)
            for name, offer in offered(self.platform, post.metric_type, post.content_type).items():
                if name not in found.metrics:
                    assert found.unavailable[name] in excused, name
                    continue
                # The clock goes on while the account is read.
                instants = [self.now + timedelta(seconds=second) for second in range(20)]
                possible = {sum(truth.post_value(world, true, part, at) for part in offer.parts) for at in instants}
                assert found.metrics[name] in possible, name
                checked += 1
        return checked


def wanted(*followed: Post, known: Iterable[Post] = (), memory: Memory | None = None) -> Wanted:
    """What collection asks for: posts that are due, and more that are known; all of them came by the lists."""
    posts = {post.platform_post_id: post for post in (*followed, *known)}
    return Wanted(utcnow() - FOLLOWED, followed, posts, memory=memory or (brought(posts) if posts else Memory()))


def brought(names: Iterable[str]) -> Memory:
    """The memory of an account whose lists were read to the end and brought these posts."""
    mark = max((int(name) for name in names if name.isdecimal()), default=0)
    lists = ("stories", "media", "video_reels", "published_posts", "timeline", "posts")
    return Memory({name: ListMemory(begun=True, mark=str(mark) if mark else None) for name in lists})


def known(post: SimPost) -> Post:
    """A post as it was stored when it was first seen."""
    return Post(post.platform_post_id, post.metric_type, post.content_type, post.published_at)
