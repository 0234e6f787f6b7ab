"""Seeds history: writes what collection would have stored, computed from the simulator's true values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from metrics.catalog import metrics_of, offered
from metrics.clock import utcnow
from metrics.documents import AccountDocument, CollectionDocument, Observation, PostContent, Reason
from metrics.identity import normal_account_id
from metrics.ids import account_id, post_id
from metrics.periods import DAY, HOUR, midnight, slot_of
from metrics.platforms.registry import FACTS, STORING_NEEDS_CONSENT
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.collections import record_id
from metrics.vault import Vault
from pipelines.collect import observe
from pipelines.collect.ladder import FOLLOWED_UNTIL, due_slots
from pipelines.collect.posts.content import ContentRules
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.data.readings import Reading
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED, api_facts
from simulator import truth
from simulator.pictures import picture_url
from simulator.registry import credentials
from simulator.world import STORY_LIFE, SimAccount, SimPost, World

WORKSPACES = ("demo-north", "demo-harbour", "demo-south")
RUN_ID = "seed"
_LAG = timedelta(seconds=20)
_WEEKLY = "weeklyReach"


@dataclass(frozen=True, slots=True)
class Plan:
    """The seeded history: the hours in `[start, end)`, for `accounts` accounts per platform in each workspace."""

    start: datetime
    end: datetime
    workspaces: tuple[str, ...] = WORKSPACES
    accounts: int = 1
    first: int = 0
    """How many workspaces of the simulator's accounts are left out before the first one."""

    def of(self, world: World) -> list[tuple[str, SimAccount]]:
        """Return pairs of a workspace and an account of the simulator."""
        return [
            (workspace_id, world.account(platform, (self.first + number) * self.accounts + i))
            for number, workspace_id in enumerate(self.workspaces)
            for platform in PLATFORMS_IMPLEMENTED
            for i in range(self.accounts)
        ]


def plan(now: datetime, days: int = 35, workspaces: int = len(WORKSPACES)) -> Plan:
    """Return the plan for about `days` days, from a midnight to the last full hour before `now`."""
    end = slot_of(now)
    names = tuple(WORKSPACES[n] if n < len(WORKSPACES) else f"demo-{n + 1}" for n in range(workspaces))
    return Plan(midnight((end - timedelta(days=days)).date()), end, names)


def seed(
    store: Store,
    vault: Vault,
    world: World,
    what: Plan,
    progress: Callable[[int, int], None],
    settings: Settings | None = None,
) -> int:
    """Write accounts, posts, observations, records and marks; return the number of observations written.

    Seeding is idempotent: a second time writes the same values. `progress` gets the accounts done and in all. With
    `settings`, which name the simulator's address, posts have captions and thumbnails; their permalinks come with the
    first collection.
    """
    written = 0
    pairs = what.of(world)
    for done, (workspace_id, sim) in enumerate(pairs):
        progress(done, len(pairs))
        account = seeded_account(workspace_id, sim, vault, what.start)
        posts = world.posts(sim, what.start - FOLLOWED_UNTIL, what.end)
        store.accounts.put([account])
        if sim.platform in STORING_NEEDS_CONSENT:
            # The simulator's numbers are nobody's, so the demo may store them.
            store.consents.set(workspace_id, sim.platform, given=True)
        _put_posts(store, account, posts, what.end, settings)
        written += store.observations.append(observations(world, account, sim, posts, what))
        store.collections.put(_records(account, what))
        days = (what.end - what.start) // DAY + 1
        store.marks.touch((workspace_id, "daily", what.start + DAY * n) for n in range(days))
    progress(len(pairs), len(pairs))
    return written


def observations(
    world: World, account: AccountDocument, sim: SimAccount, posts: list[SimPost], what: Plan
) -> Iterator[Observation]:
    """Yield all observations of one account and its posts."""
    yield from _levels(world, account, sim, what)
    yield from _provider_days(world, account, sim, what)
    for post in posts:
        yield from _post(world, account, post, what)


def seeded_account(workspace_id: str, sim: SimAccount, vault: Vault, connected: datetime) -> AccountDocument:
    """Return the document of a simulated account, with its token sealed."""
    platform_account_id = normal_account_id(sim.platform, sim.platform_account_id)
    own_id = account_id(workspace_id, sim.platform, platform_account_id)
    return {
        "_id": own_id,
        "workspaceId": workspace_id,
        "platform": sim.platform,
        "platformAccountId": platform_account_id,
        "handle": sim.handle,
        "state": "active",
        "connectedAt": connected,
        "credentials": vault.seal(credentials(sim) if FACTS[sim.platform].needs_token else {}, own_id),
    }


def _put_posts(
    store: Store, account: AccountDocument, posts: list[SimPost], now: datetime, settings: Settings | None
) -> None:
    documents = []
    for sim in posts:
        listed = Post(sim.platform_post_id, sim.metric_type, sim.content_type, sim.published_at)
        document = observe.post_document(account, listed, None, now)
        if settings is not None and (content := _content(sim, listed, settings)) is not None:
            document["content"] = content
        documents.append(document)
    store.posts.put(documents)
    for post in posts:
        if post.deleted_at is not None and post.deleted_at <= now:
            # The first collection after the deletion notices it.
            store.posts.mark_deleted([post_id(account["_id"], post.platform_post_id)], slot_of(post.deleted_at) + HOUR)


def _content(sim: SimPost, post: Post, settings: Settings) -> PostContent | None:
    """Return the content of a post as a list would give it at present, without its permalink."""
    now = utcnow()
    has_servers = bool(FACTS[sim.platform].content.picture_servers)
    has_picture = has_servers and sim.content_type in ("image", "video", "carousel")
    base_url = settings.platform_url(sim.platform)
    picture = picture_url(base_url, sim.platform_post_id, now) if has_picture else None
    listed = replace(post, content=Content(caption=sim.text, thumbnail_url=picture))
    content, _ = ContentRules.of(settings, sim.platform).decide(sim.platform, listed, sim.published_at, None, now)
    return content


def _levels(world: World, account: AccountDocument, sim: SimAccount, what: Plan) -> Iterator[Observation]:
    gauges = [metric for metric in metrics_of("account", "gauge") if sim.platform in metric.offers]
    slot = what.start
    while slot < what.end:
        values = {
            metric.name: truth.account_value(world, sim, metric.offers[sim.platform].field, slot + HOUR)
            for metric in gauges
        }
        yield _observation(account, slot, slot + HOUR + _LAG, values)
        slot += HOUR


def _provider_days(world: World, account: AccountDocument, sim: SimAccount, what: Plan) -> Iterator[Observation]:
    policy, day = api_facts(sim.platform).days, what.start.date()
    if policy is None or not policy.hours:
        return  # The platform has no days, or only a backfill reads them.
    while (read_at := midnight(day) + policy.lag + HOUR) <= what.end:
        values: dict[str, int] = {}
        unavailable: dict[str, Reason] = {}
        for metric in metrics_of("account", "period_sum", "period_unique"):
            if sim.platform in metric.offers:
                parts = metric.offers[sim.platform].parts
                hidden = [world.platforms[sim.platform].withholds_day(world, sim, part, day) for part in parts]
                if why := next((reason for reason in hidden if reason), None):
                    unavailable[metric.name] = why
                else:
                    values[metric.name] = sum(_day_value(world, sim, metric.name, part, day) for part in parts)
        if values:
            yield _observation(account, observe.last_slot(day), read_at, values, unavailable)
        day += DAY


def _day_value(world: World, sim: SimAccount, name: str, field: str, day: date) -> int:
    return (truth.week_value if name == _WEEKLY else truth.day_value)(world, sim, field, day)


def _post(world: World, account: AccountDocument, post: SimPost, what: Plan) -> Iterator[Observation]:
    offers = offered(post.platform, post.metric_type, post.content_type)
    withholds = world.platforms[post.platform].withholds
    end = min(what.end, post.published_at + STORY_LIFE) if post.metric_type == "story" else what.end
    for slot in due_slots(post.published_at, what.start, end):
        now = slot + HOUR
        if not post.visible(now):
            continue
        values: dict[str, int] = {}
        unavailable: dict[str, Reason] = {}
        for name, offer in offers.items():
            if why := next((reason for part in offer.parts if (reason := withholds(world, post, part, now))), None):
                unavailable[name] = why
            else:
                values[name] = sum(truth.post_value(world, post, part, now) for part in offer.parts)
        yield _observation(account, slot, now + _LAG, values, unavailable, post)


def _observation(
    account: AccountDocument,
    slot: datetime,
    collected_at: datetime,
    metrics: dict[str, int],
    unavailable: dict[str, Reason] | None = None,
    post: SimPost | None = None,
) -> Observation:
    reading = Reading(collected_at, metrics, unavailable or {})
    version = api_facts(account["platform"]).api_version
    return observe.observation(account, reading, slot, RUN_ID, version, post)


def _records(account: AccountDocument, what: Plan) -> Iterator[CollectionDocument]:
    slot = what.start
    while slot < what.end:
        yield {
            "_id": record_id(account["_id"], slot),
            "workspaceId": account["workspaceId"],
            "accountId": account["_id"],
            "platform": account["platform"],
            "slot": slot,
            "state": "collected",
            "finishedAt": slot + HOUR + _LAG,
            "runId": RUN_ID,
            "observations": 1,
            "calls": 0,
        }
        slot += HOUR
