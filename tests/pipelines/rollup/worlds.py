"""Worlds to roll up: accounts, posts and an unordered log, drawn by Hypothesis and written to a real store."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, get_args
from uuid import uuid4

from hypothesis import strategies as st

from metrics.documents import PLATFORMS, AccountDocument, Observation, Platform, PostDocument
from metrics.periods import Period
from metrics.platforms.registry import STORING_NEEDS_CONSENT
from metrics.store import Store
from pipelines.rollup import roll
from tests.pipelines.rollup.reference import Reference, period_of

PERIODS: tuple[Period, ...] = get_args(Period)
EDGES = [
    datetime(2024, 2, 26, tzinfo=UTC),  # a leap day
    datetime(2025, 12, 27, tzinfo=UTC),  # ISO week 1 begins in the year before
    datetime(2026, 3, 26, tzinfo=UTC),  # summer time begins, a month ends
    datetime(2026, 10, 22, tzinfo=UTC),  # summer time ends
]
ACCOUNT_METRICS = ("followers", "following", "reach", "weeklyReach", "profileViews")
POST_METRICS = ("likes", "comments", "shares", "saves", "views", "impressions", "clicks", "reach")
_offsets = st.tuples(st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5, 9, 20]), st.sampled_from([0, 1, 12, 22, 23, 23])).map(
    lambda pair: timedelta(days=pair[0], hours=pair[1])
)
_values = st.integers(min_value=0, max_value=40)
_serial = count()


@dataclass
class World:
    """One workspace and all its observations, in the order of arrival."""

    workspace_id: str
    accounts: list[AccountDocument]
    posts: list[PostDocument]
    observations: list[Observation]
    base: datetime
    now: datetime

    @property
    def reference(self) -> Reference:
        return Reference(self.accounts, self.posts, self.observations, self.now)

    def write(self, store: Store, observations: Iterable[Observation] | None = None) -> None:
        """Write the accounts and posts, and all observations or the given ones."""
        for platform in STORING_NEEDS_CONSENT:
            store.consents.set(self.workspace_id, platform, given=True)
        store.accounts.put(self.accounts)
        store.posts.put(self.posts)
        store.posts.mark_deleted([p["_id"] for p in self.posts if "deletedAt" in p], self.now)
        self.append(store, self.observations if observations is None else list(observations))

    def append(self, store: Store, observations: Sequence[Observation]) -> None:
        store.observations.append(observations)
        store.marks.touch((self.workspace_id, "daily", period_of("daily", o.slot)[0]) for o in observations)

    def starts(self, period: str) -> list[datetime]:
        """The starts of the periods with observations, and of one without any."""
        starts = {period_of(period, at)[0] for at in (self.base, *(o.slot for o in self.observations))}
        return sorted(start for start in starts if start <= self.now)

    def roll(self, store: Store, period: Period, starts: Sequence[datetime] | None = None) -> None:
        chosen = self.starts(period) if starts is None else starts
        roll(store, period, chosen, run_id="r", workspace_ids=[self.workspace_id], now=self.now)

    def roll_all(self, store: Store) -> None:
        for period in PERIODS:
            self.roll(store, period)

    def may_roll(self, period: Period, start: datetime) -> bool:
        """Tell whether a marked period has begun."""
        return start <= self.now

    def roll_marked(self, store: Store, limit: int = 20) -> list[tuple[Period, datetime]]:
        """Roll up marked periods until none is left, days first; return those that were rolled up."""
        rolled: list[tuple[Period, datetime]] = []
        for _ in range(limit):
            waiting = [
                (period, mark.start)
                for period in PERIODS
                for mark in store.marks.pending(period)
                if self.workspace_id in mark.workspaces and self.may_roll(period, mark.start)
            ]
            if not waiting:
                return rolled
            period = waiting[0][0]
            starts = [start for other, start in waiting if other == period]
            self.roll(store, period, starts)
            rolled += [(period, start) for start in starts]
        raise AssertionError(f"marks do not come to rest: {waiting}")


def account(account_id: str, workspace_id: str, platform: Platform, connected: datetime) -> AccountDocument:
    return {
        "_id": account_id,
        "workspaceId": workspace_id,
        "platform": platform,
        "platformAccountId": account_id,
        "handle": account_id,
        "state": "active",
        "connectedAt": connected,
    }


@st.composite
def worlds(draw: st.DrawFn, most_observations: int = 30) -> World:
    """Draw a workspace: one or two accounts, up to three posts each, and up to `most_observations` observations."""
    base, workspace_id = draw(st.sampled_from(EDGES)), f"w{next(_serial)}-{uuid4().hex[:6]}"
    platforms = draw(st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=2))
    accounts: list[AccountDocument] = [
        account(f"{workspace_id}-a{i}", workspace_id, platform, base + draw(_offsets) - timedelta(days=2))
        for i, platform in enumerate(platforms)
    ]
    for one in accounts:
        _disconnect(draw, one)
    posts = [_post(draw, owner, i, base) for owner in accounts for i in range(draw(st.integers(0, 3)))]
    subjects = [*((owner, None) for owner in accounts), *((_owner(accounts, p), p) for p in posts)]
    observations: list[Observation] = []
    for _ in range(draw(st.integers(1, most_observations))):
        owner, post = draw(st.sampled_from(subjects))
        observations.append(_observation(draw, owner, post, base, len(observations)))
    now = base + draw(st.sampled_from([timedelta(days=90), timedelta(days=3, hours=12, minutes=20)]))
    return World(workspace_id, accounts, posts, observations, base, now)


def _disconnect(draw: st.DrawFn, owner: AccountDocument) -> None:
    """Let an account be disconnected and connected again some times, and perhaps stay disconnected."""
    instants = [owner["connectedAt"]]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4]))):
        instants.append(instants[-1] + timedelta(minutes=draw(st.sampled_from([1, 50, 60, 700, 1440, 4000, 9000]))))
    gaps = [
        {"disconnectedAt": gone, "connectedAt": back}
        for gone, back in zip(instants[1::2], instants[2::2], strict=False)
    ]
    if gaps:
        owner["disconnections"] = gaps  # type: ignore[typeddict-item]
    if len(instants) % 2 == 0:
        owner |= {"disconnectedAt": instants[-1], "state": "disconnected"}


def _owner(accounts: list[AccountDocument], post: PostDocument) -> AccountDocument:
    return next(a for a in accounts if a["_id"] == post["accountId"])


def _post(draw: st.DrawFn, owner: AccountDocument, number: int, base: datetime) -> PostDocument:
    post: PostDocument = {
        "_id": f"{owner['_id']}-p{number}",
        "workspaceId": owner["workspaceId"],
        "accountId": owner["_id"],
        "platform": owner["platform"],
        "platformPostId": str(number),
        "metricType": draw(st.sampled_from(["post", "post", "reel", "story"])),
        "contentType": draw(st.sampled_from(["image", "video", "carousel"])),
        "publishedAt": base + draw(_offsets) - timedelta(days=2),
    }
    if draw(st.booleans()):
        post["deletedAt"] = base + timedelta(days=1)
    return post


def _observation(
    draw: st.DrawFn, owner: AccountDocument, post: PostDocument | None, base: datetime, number: int
) -> Observation:
    slot = base + draw(_offsets)
    names = draw(st.sets(st.sampled_from(POST_METRICS if post else ACCOUNT_METRICS), min_size=1))
    values: dict[str, Any] = {name: draw(_values) for name in sorted(names)}
    if draw(st.integers(0, 9)) == 0:
        values |= {min(names): "many", "unheardOf": 5}
    return Observation(
        workspace_id=owner["workspaceId"],
        account_id=owner["_id"],
        platform=owner["platform"],
        metric_type=post["metricType"] if post else "account",
        slot=slot,
        # Never twice at the same instant, and not in the order of arrival.
        collected_at=slot + timedelta(hours=1, minutes=draw(st.integers(0, 3)), seconds=number),
        metrics=values,
        run_id="r",
        api_version="v1",
        post_id=post["_id"] if post else None,
        platform_post_id=post["platformPostId"] if post else None,
        content_type=post["contentType"] if post else None,
    )


def again(observations: Iterable[Observation]) -> list[Observation]:
    """The same observations delivered once more."""
    return [replace(observation) for observation in observations]
