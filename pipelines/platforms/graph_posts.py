"""Posts of the Graph API, as Instagram and Facebook share them: one batch element each, insights expanded.

Which metrics a post has, the catalog says. What the API refuses all the same fails the whole element and, at times,
without naming it: each metric of the kind is then asked for by itself, in one batch, and left out from then on.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform, Reason
from pipelines.platforms.base import EMPTY_PAGES, FOLLOWED_DAYS, Access, AccountReading, Post, Reading, Tally
from pipelines.platforms.errors import MetricRefused, PermissionMissing, PlatformError, PostGone, PostUnavailable
from pipelines.platforms.graph import Get, GraphApi, Result
from pipelines.platforms.graph_answers import insights, understood
from pipelines.platforms.quarantine import Quarantine, Refused

PAGE = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of posts: its edge, the fields to ask for, how an item is read, and how old one may be."""

    edge: str
    fields: str
    post_of: Callable[[Mapping[str, Any]], Post]
    oldest: timedelta | None = timedelta(days=FOLLOWED_DAYS)


class GraphPosts(ABC):
    """Reads posts; a platform says where their numbers stand."""

    name: Platform
    account_fields: str
    account_reading: Callable[[Mapping[str, Any]], Reading]
    listings: tuple[Listing, ...]
    node_metrics: ClassVar[Mapping[str, str]]
    """Canonical names of what stands on the post itself, with the fields to ask for."""

    def __init__(self, graph: GraphApi, quarantine: Quarantine) -> None:
        self._graph = graph
        self._quarantine = quarantine

    @understood()
    def read(
        self,
        access: Access,
        followed: Sequence[Post],
        is_due: Callable[[Post], bool],
        known: Collection[str],
        tally: Tally,
    ) -> AccountReading:
        """Return what the account, its due posts and its new ones say now: one batch, and a second for what is new."""
        due, account_id = [post for post in followed if is_due(post)], access.platform_account_id
        gets = [
            Get(account_id, {"fields": self.account_fields}),
            *(self.listing(account_id, one.edge, one.fields) for one in self.listings),
            *(self.get(post) for post in due),
        ]
        node, *results = self._graph.batch(access.token, gets, tally)
        firsts, found = results[: len(self.listings)], results[len(self.listings) :]
        if isinstance(node, PostGone):
            # The same body says «deleted» and «not for this token»; of an account the second is likelier.
            raise PermissionMissing(str(node))
        if isinstance(node, PlatformError):
            raise node
        reading = AccountReading(self.account_reading(node))
        listed = [
            post
            for what, first in zip(self.listings, firsts, strict=True)
            for post in self.listed(access, first, what, known, reading, tally)
        ]
        # A post published between two pages moves the last of the first one onto the second.
        new = list({post.platform_post_id: post for post in listed if post.platform_post_id not in known}.values())
        pairs = list(zip(due, found, strict=True))
        if new:
            pairs += zip(new, self._graph.batch(access.token, [self.get(p) for p in new], tally), strict=True)
        self.take(access, pairs, reading, tally)
        return reading

    @abstractmethod
    def node_value(self, body: Mapping[str, Any], name: str) -> int | float | None:
        """Return a metric that stands on the post itself."""

    def edge(self, _post: Post) -> str:
        """Return the edge of a post's insights."""
        return "insights"

    def get(self, post: Post, *, with_insights: bool = True) -> Get:
        """Return the read of a post."""
        names = offered(self.name, post.metric_type, post.content_type)
        fields = ["id", *(field for name, field in self.node_metrics.items() if name in names)]
        metrics = ",".join(self._insights(post).values())
        if with_insights and metrics:
            fields.append(f"{self.edge(post)}.metric({metrics})")
        return Get(post.platform_post_id, {"fields": ",".join(fields)})

    def listing(self, account_id: str, edge: str, fields: str, place: Mapping[str, str] | None = None) -> Get:
        """Return the read of one page of a list; `place` says where it begins."""
        return Get(f"{account_id}/{edge}", {"fields": fields, "limit": str(PAGE), **(place or {})})

    def listed(
        self,
        access: Access,
        first: Result,
        what: Listing,
        known: Collection[str],
        reading: AccountReading,
        tally: Tally,
    ) -> list[Post]:
        """Return listed posts young enough to follow, reading on while a page holds any that is new."""
        page, now, empty = first, utcnow(), 0
        posts: list[Post] = []
        while True:
            if isinstance(page, PlatformError):
                reading.failures[what.edge] = str(page)
                return posts
            items = [what.post_of(item) for item in page.get("data", ())]
            young = [post for post in items if what.oldest is None or post.published_at >= now - what.oldest]
            posts += young
            place = _next_place(page.get("paging", {}))
            empty = empty + 1 if not items else 0
            nothing_new = bool(items) and all(post.platform_post_id in known for post in young)
            if not place or len(young) < len(items) or nothing_new or empty > EMPTY_PAGES:
                return posts
            get = self.listing(access.platform_account_id, what.edge, what.fields, place)
            (page,) = self._graph.batch(access.token, [get], tally)

    def take(self, access: Access, pairs: Sequence[tuple[Post, Result]], reading: AccountReading, tally: Tally) -> None:
        """Turn results into readings; what was refused as a whole is asked again in what is left of it."""
        refused = [post for post, result in pairs if isinstance(result, MetricRefused)]
        bare: list[tuple[Post, Reason]] = []
        missing: list[Post] = []
        for post, result in pairs:
            if isinstance(result, PostGone):
                missing.append(post)
            elif isinstance(result, PostUnavailable):
                bare.append((post, result.reason))
            elif isinstance(result, MetricRefused):
                continue
            elif isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                reading.posts.append((post, self._reading(post, result, reading)))
        if refused:
            self._find_refused(access, refused, tally)
            gets = [self.get(post) for post in refused]
            again = list(zip(refused, self._graph.batch(access.token, gets, tally), strict=True))
            # A kind whose refusal names nothing that can be left out is given up here, not asked for ever.
            for post, result in again:
                if isinstance(result, MetricRefused):
                    bare.append((post, result.reason))
            self.take(access, [p for p in again if not isinstance(p[1], MetricRefused)], reading, tally)
        if bare:
            self._take_bare(access, bare, reading, tally)
        if missing:
            self._confirm_gone(access, missing, reading, tally)

    def _insights(self, post: Post) -> dict[str, str]:
        """Return the insights to ask of a post, `{canonical: field}`, without what was refused for its kind."""
        kind = (post.metric_type, post.content_type)
        return {
            name: offer.field
            for name, offer in offered(self.name, *kind).items()
            if name not in self.node_metrics and not self._quarantine.holds(name, *kind)
        }

    def _reading(self, post: Post, body: Mapping[str, Any], reading: AccountReading) -> Reading:
        kind = (post.metric_type, post.content_type)
        metrics: dict[str, int | float] = {}
        unavailable: dict[str, Reason] = {}
        edge = self.edge(post)
        values = insights(body.get(edge))
        for name, offer in offered(self.name, *kind).items():
            on_node = name in self.node_metrics
            value = self.node_value(body, name) if on_node else values.get(offer.field)
            if self._quarantine.holds(name, *kind):
                unavailable[name] = "metric_retired"
                reading.quarantined.add(str(Refused(name, *kind)))
            elif value is not None:
                metrics[name] = value
            elif on_node or edge not in body:
                # Likes are missing where their owner hides them, the edge where the token may not see it.
                unavailable[name] = "permission_missing"
            else:
                unavailable[name] = "no_observation"
        return Reading(utcnow(), metrics, unavailable)

    def _find_refused(self, access: Access, posts: Sequence[Post], tally: Tally) -> None:
        """Ask one post of each kind for its metrics one by one, in one batch, and remember what is refused."""
        kinds = {(post.metric_type, post.content_type): post for post in posts}
        asked = [(post, name, field) for post in kinds.values() for name, field in self._insights(post).items()]
        gets = [Get(f"{post.platform_post_id}/{self.edge(post)}", {"metric": field}) for post, _, field in asked]
        for (post, name, _), result in zip(asked, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, MetricRefused):
                self._quarantine.add(Refused(name, post.metric_type, post.content_type, str(result)))

    def _take_bare(
        self, access: Access, posts: Sequence[tuple[Post, Reason]], reading: AccountReading, tally: Tally
    ) -> None:
        """Read posts without their insights, which are missing for the given reason."""
        gets = [self.get(post, with_insights=False) for post, _ in posts]
        for (post, reason), result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
                continue
            full = self._reading(post, result, reading)
            reasons: dict[str, Reason] = {
                name: why if name in self.node_metrics else reason for name, why in full.unavailable.items()
            }
            reading.posts.append((post, Reading(full.read_at, full.metrics, reasons)))

    def _confirm_gone(self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally) -> None:
        """Ask for the bare object: 100/33 is a disguised rate limit at times (platforms.md, 1.4)."""
        gets = [Get(post.platform_post_id, {"fields": "id"}) for post in posts]
        for post, result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PostGone):
                reading.gone.append(post.platform_post_id)
            else:
                reading.failures[post.platform_post_id] = "missing at first, then there: left for the next hour"


def _next_place(paging: Mapping[str, Any]) -> dict[str, str]:
    """Return where the next page begins: by cursor, or by time in some lists; empty at the end, which has no `next`."""
    if not paging.get("next"):
        return {}
    if after := paging.get("cursors", {}).get("after"):
        return {"after": after}
    query = dict(parse_qsl(urlsplit(paging["next"]).query))
    return {name: query[name] for name in ("until", "__paging_token") if name in query}
