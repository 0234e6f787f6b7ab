"""Numbers of posts of the Graph API: one batch element per post, with its insights expanded.

The catalog says which metrics a post has. A metric that the API refuses all the same fails the whole element, at times
without being named. Each metric of that post is then asked for by itself, so that the post loses what it was refused
and nothing else. What several posts of a kind agree on goes into quarantine for all.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform, Reason
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.base import Access, AccountReading, Post, Reading, Tally, Wanted
from pipelines.platforms.errors import (
    MetricRefused,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
)
from pipelines.platforms.graph.answers import NO_EDGE, insights, is_edge, rows
from pipelines.platforms.graph.client import Get, GraphApi, Result
from pipelines.platforms.memory import Memory
from pipelines.platforms.numbers import ABSENT, Numbers
from pipelines.platforms.quarantine import Quarantine, Refused

NO_REASONS: Mapping[str, Reason] = {}
TESTED = 2
"""Posts that have to be denied their insights before a token counts as one without; as many are asked as a test."""

_SAMPLE = 2
"""Posts of a kind that are asked for each metric by itself before the others of the kind are asked again."""


class PostNumbers(ABC):
    """Reads the numbers of posts; a platform says where they stand. Thread-safe."""

    name: ClassVar[Platform]
    node_metrics: ClassVar[Mapping[str, str]]
    """Canonical names of what stands on the post itself, with the fields to ask for."""

    def __init__(self, graph: GraphApi, quarantine: Quarantine) -> None:
        self._graph = graph
        self._quarantine = quarantine

    @abstractmethod
    def node_value(self, body: Mapping[str, Any], name: str) -> object:
        """Return a metric that stands on the post itself, `ABSENT` where it does not."""

    def edge(self, _post: Post) -> str:
        """Return the edge of a post's insights."""
        return "insights"

    def gets(self, posts: Sequence[Post], memory: Memory) -> list[Get]:
        """Return the reads of posts; a token that may not see insights is asked for those of two posts, as a test."""
        tested = TESTED if memory.without_insights else len(posts)
        return [self._get(post, with_insights=place < tested) for place, post in enumerate(posts)]

    def read(
        self, access: Access, posts: Sequence[Post], wanted: Wanted, reading: AccountReading, tally: Tally
    ) -> None:
        """Read posts, and put what they say with the reading."""
        results = self._graph.batch(access.token, self.gets(posts, wanted.memory), tally)
        self.take(access, list(zip(posts, results, strict=True)), wanted, reading, tally)

    def take(
        self,
        access: Access,
        pairs: Sequence[tuple[Post, Result]],
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        """Turn results into readings; a post that was refused as a whole is asked again for what it may have."""
        refused: list[Post] = []
        bare: list[tuple[Post, Reason]] = []
        missing: list[Post] = []
        granted = False
        for post, result in pairs:
            if isinstance(result, PostGone):
                missing.append(post)
            elif isinstance(result, PostUnavailable | PermissionMissing):
                bare.append((post, result.reason))
                # «Too few viewers» is said to a token that may see insights.
                granted |= isinstance(result, PostUnavailable)
                reading.insights_denied += isinstance(result, PermissionMissing)
            elif isinstance(result, MetricRefused):
                granted = True
                refused.append(post)
            elif isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                granted |= is_edge(result.get(self.edge(post)))
                self._put(post, result, reading)
        reading.insights_granted |= granted
        self._take_refused(access, refused, reading, tally)
        self._take_bare(access, bare, reading, tally)
        self._confirm_gone(access, [p for p in missing if p.platform_post_id not in wanted.deleted], reading, tally)
        self._try_again(access, [post for post, _ in pairs], tally)
        if wanted.memory.without_insights and granted:
            # The token may see insights again: all but the tested posts were asked without theirs.
            wanted.memory.without_insights = False
            rest = [post for post, result in pairs[TESTED:] if not isinstance(result, PlatformError)]
            names = {post.platform_post_id for post in rest}
            reading.posts = [one for one in reading.posts if one[0].platform_post_id not in names]
            self.read(access, rest, wanted, reading, tally)

    def _get(self, post: Post, *, with_insights: bool = True) -> Get:
        names = offered(self.name, *post.kind)
        fields = ["id", *(field for name, field in self.node_metrics.items() if name in names)]
        metrics = ",".join(self._insights(post).values())
        if with_insights and metrics:
            fields.append(f"{self.edge(post)}.metric({metrics})")
        return Get(post.platform_post_id, {"fields": ",".join(fields)})

    def _insights(self, post: Post) -> dict[str, str]:
        """Return the insights to ask of a post, `{canonical: field}`, without what it or its kind was refused."""
        return {
            name: offer.field
            for name, offer in offered(self.name, *post.kind).items()
            if name not in self.node_metrics
            and name not in post.refused
            and not self._quarantine.holds(name, *post.kind)
        }

    def _put(
        self,
        post: Post,
        body: Mapping[str, Any],
        reading: AccountReading,
        reason: Reason | None = None,
        reasons: Mapping[str, Reason] = NO_REASONS,
    ) -> None:
        """Put what a post says with the reading.

        `reason` is why it came without its insights, `reasons` have why it came without single ones.
        """
        try:
            _check_id(post, body)
            numbers = self._numbers(post, body, reading, reason, reasons)
        except UNEXPECTED as error:
            reading.failures[post.platform_post_id] = f"it has an unexpected form: {type(error).__name__}: {error}"
            return
        reading.posts.append((post, Reading(utcnow(), numbers.metrics, numbers.unavailable)))
        reading.note_odd(f"post {post.platform_post_id}", numbers.odd)
        if post.refused:
            reading.refused[post.platform_post_id] = post.refused

    def _numbers(
        self,
        post: Post,
        body: Mapping[str, Any],
        reading: AccountReading,
        reason: Reason | None,
        reasons: Mapping[str, Reason],
    ) -> Numbers:
        numbers, edge = Numbers(), self.edge(post)
        told, values = is_edge(body.get(edge)), insights(body.get(edge))
        # The edge is missing where the token may not see it.
        otherwise: Reason = reason or ("no_observation" if told else "permission_missing")
        if edge in body and not told:
            otherwise = "provider_error"
            reading.failures[f"insights of {post.platform_post_id}"] = NO_EDGE
        for name, offer in offered(self.name, *post.kind).items():
            if name in self.node_metrics:
                # Likes are missing where their owner hides them.
                numbers.take(name, self.node_value(body, name), "permission_missing")
            elif self._quarantine.holds(name, *post.kind):
                numbers.miss(name, "metric_retired")
                reading.quarantined.add(str(Refused(name, *post.kind)))
            elif name in post.refused:
                numbers.miss(name, "not_supported")
            else:
                numbers.take(name, values.get(offer.field, ABSENT), reasons.get(name, otherwise))
                if told:
                    self._quarantine.accept(name, *post.kind)
        return numbers

    def _take_refused(self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally) -> None:
        """Read posts of which some metric was refused: two of each kind metric by metric, the others without it."""
        if not posts:
            return
        sample, others = _sampled(posts)
        found = self._one_by_one(access, sample, reading, tally)
        if not others:
            return
        common = {kind: frozenset.intersection(*names) for kind, names in found.items()}
        rest = [replace(post, refused=post.refused | common.get(post.kind, frozenset())) for post in others]
        results = self._graph.batch(access.token, [self._get(post) for post in rest], tally)
        odd = [post for post, result in zip(rest, results, strict=True) if isinstance(result, MetricRefused)]
        for post, result in zip(rest, results, strict=True):
            if isinstance(result, PlatformError) and not isinstance(result, MetricRefused):
                reading.failures[post.platform_post_id] = str(result)
            elif not isinstance(result, PlatformError):
                for name in common.get(post.kind, ()):
                    self._refuse(access, post, name, "")
                self._put(post, result, reading)
        self._one_by_one(access, odd, reading, tally)

    def _one_by_one(
        self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally
    ) -> dict[tuple[str, str], list[frozenset[str]]]:
        """Read posts metric by metric, in one batch; return what each was refused, by kind of post."""
        asked = [(post, name, field) for post in posts for name, field in self._insights(post).items()]
        gets = [Get(f"{post.platform_post_id}/{self.edge(post)}", {"metric": field}) for post, _, field in asked]
        gets += [self._get(post, with_insights=False) for post in posts]
        results = self._graph.batch(access.token, gets, tally)
        answered: dict[str, list[Any]] = {post.platform_post_id: [] for post in posts}
        refused: dict[str, set[str]] = {post.platform_post_id: set() for post in posts}
        reasons: dict[str, dict[str, Reason]] = {post.platform_post_id: {} for post in posts}
        for (post, name, _), result in zip(asked, results, strict=False):
            post_id = post.platform_post_id
            if isinstance(result, MetricRefused):
                refused[post_id].add(name)
                self._refuse(access, post, name, str(result))
            elif isinstance(result, PlatformError):
                reasons[post_id][name] = result.reason
                if not isinstance(result, PostUnavailable | PermissionMissing | PostGone):
                    reading.failures[f"{name} of {post_id}"] = str(result)
            elif not is_edge(result):
                reasons[post_id][name] = "provider_error"
                reading.failures[f"{name} of {post_id}"] = NO_EDGE
            else:
                self._quarantine.accept(name, *post.kind)
                answered[post_id] += rows(result)
        found: dict[tuple[str, str], list[frozenset[str]]] = {}
        for post, node in zip(posts, results[len(asked) :], strict=True):
            names = frozenset(refused[post.platform_post_id])
            found.setdefault(post.kind, []).append(names)
            if isinstance(node, PlatformError):
                reading.failures[post.platform_post_id] = str(node)
            else:
                post_id = post.platform_post_id
                body = {**node, self.edge(post): {"data": answered[post_id]}}
                self._put(replace(post, refused=post.refused | names), body, reading, reasons=reasons[post_id])
        return found

    def _refuse(self, access: Access, post: Post, name: str, message: str) -> None:
        refused = Refused(name, post.metric_type, post.content_type, message)
        self._quarantine.refuse(refused, access.platform_account_id, post.platform_post_id)

    def _take_bare(
        self, access: Access, posts: Sequence[tuple[Post, Reason]], reading: AccountReading, tally: Tally
    ) -> None:
        """Read posts without their insights, which are missing for the given reason."""
        gets = [self._get(post, with_insights=False) for post, _ in posts]
        for (post, reason), result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                self._put(post, result, reading, reason)

    def _confirm_gone(self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally) -> None:
        """Ask for the bare object: 100/33 is a disguised rate limit at times (platforms.md, 1.4)."""
        gets = [Get(post.platform_post_id, {"fields": "id"}) for post in posts]
        for post, result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PostGone):
                reading.gone.append(post.platform_post_id)
            elif isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                reading.failures[post.platform_post_id] = "missing at first, then there: left for the next hour"

    def _try_again(self, access: Access, posts: Iterable[Post], tally: Tally) -> None:
        """Ask a post for metrics in quarantine, where it is this worker's turn: what is answered is lifted."""
        asked = [
            (post, name, offer.field)
            for post in {post.kind: post for post in posts}.values()
            for name, offer in offered(self.name, *post.kind).items()
            if self._quarantine.to_try(name, *post.kind)
        ]
        gets = [Get(f"{post.platform_post_id}/{self.edge(post)}", {"metric": field}) for post, _, field in asked]
        for (post, name, _), result in zip(asked, self._graph.batch(access.token, gets, tally), strict=True):
            if is_edge(result):
                self._quarantine.accept(name, *post.kind)


def _check_id(post: Post, body: Mapping[str, Any]) -> None:
    """Refuse an answer without an id, which was asked for, or with that of another post; some leave out the page.

    Raises:
        LookupError: it has no id.
        ValueError: it is of another post.
    """
    wanted, found = (str(one).rpartition("_")[2] for one in (post.platform_post_id, body["id"]))
    if found != wanted:
        raise ValueError("the answer is of another post")


def _sampled(posts: Sequence[Post]) -> tuple[list[Post], list[Post]]:
    """Split posts into the first ones of each kind and the others."""
    sample: list[Post] = []
    others: list[Post] = []
    count: dict[tuple[str, str], int] = {}
    for post in posts:
        count[post.kind] = count.get(post.kind, 0) + 1
        (sample if count[post.kind] <= _SAMPLE else others).append(post)
    return sample, others
