"""Reads the metrics of posts from the Graph API: one batch element per post, with its insights expanded.

The catalog defines which metrics a post has. If the API refuses one of them, the whole element fails, sometimes without
naming the metric. Each metric of the post is then requested separately, so that the post loses only the refused ones. A
metric that is refused for several posts of a kind goes into quarantine for all.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform, Reason
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    MetricRefused,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
)
from pipelines.platforms.graph.answers import NOT_AN_EDGE, insights, is_insights_edge, rows
from pipelines.platforms.graph.client import Get, GraphApi, Result
from pipelines.platforms.memory import Memory
from pipelines.platforms.numbers import ABSENT, Numbers
from pipelines.platforms.quarantine import Quarantine, Refused

NO_REASONS: Mapping[str, Reason] = {}
TESTED = 2
"""A token counts as one without access to insights after it was denied those of this many posts. Later readings request
insights of as many posts, to test whether it has access again."""

_SAMPLE = 2
"""Posts per kind that are read metric by metric before the other posts of the kind are requested again."""


class PostNumbers(ABC):
    """Reads the metrics of posts; subclasses tell where each platform has them. Thread-safe."""

    name: ClassVar[Platform]
    node_metrics: ClassVar[Mapping[str, str]]
    """The metrics that are fields of the post itself (not insights): canonical names with the fields to request."""

    def __init__(self, graph: GraphApi, quarantine: Quarantine) -> None:
        self._graph = graph
        self._quarantine = quarantine

    @abstractmethod
    def node_value(self, body: Mapping[str, Any], name: str) -> object:
        """Return the value of a metric that is a field of the post itself, `ABSENT` if the field is missing."""

    def edge(self, _post: Post) -> str:
        """Return the edge of a post's insights."""
        return "insights"

    def gets(self, posts: Sequence[Post], memory: Memory) -> list[Get]:
        """Return the requests for posts; with a token without access to insights, only the first two include them."""
        tested = TESTED if memory.without_insights else len(posts)
        return [self._get(post, with_insights=place < tested) for place, post in enumerate(posts)]

    def read(
        self, access: Access, posts: Sequence[Post], wanted: Wanted, reading: AccountReading, tally: Tally
    ) -> None:
        """Read posts, and add their metrics to `reading`."""
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
        """Add the results of posts to `reading`; posts whose whole element failed are requested again in parts."""
        refused: list[Post] = []
        bare: list[tuple[Post, Reason]] = []
        missing: list[Post] = []
        granted = False
        for post, result in pairs:
            if isinstance(result, PostGone):
                missing.append(post)
            elif isinstance(result, PostUnavailable | PermissionMissing):
                bare.append((post, result.reason))
                # Only a token with access to insights gets the answer «too few viewers».
                granted |= isinstance(result, PostUnavailable)
                reading.insights_denied += isinstance(result, PermissionMissing)
            elif isinstance(result, MetricRefused):
                granted = True
                refused.append(post)
            elif isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                granted |= is_insights_edge(result.get(self.edge(post)))
                self._put(post, result, reading)
        reading.insights_granted |= granted
        self._take_refused(access, refused, reading, tally)
        self._take_bare(access, bare, reading, tally)
        self._confirm_gone(access, [p for p in missing if p.platform_post_id not in wanted.deleted], reading, tally)
        self._try_again(access, [post for post, _ in pairs], tally)
        if wanted.memory.without_insights and granted:
            # The token has access to insights again: read all posts but the tested ones again, with their insights.
            wanted.memory.without_insights = False
            rest = [post for post, result in pairs[TESTED:] if not isinstance(result, PlatformError)]
            names = {post.platform_post_id for post in rest}
            reading.posts = [pair for pair in reading.posts if pair[0].platform_post_id not in names]
            self.read(access, rest, wanted, reading, tally)

    def _get(self, post: Post, *, with_insights: bool = True) -> Get:
        names = offered(self.name, *post.kind)
        fields = ["id", *(field for name, field in self.node_metrics.items() if name in names)]
        metrics = ",".join(self._insights(post).values())
        if with_insights and metrics:
            fields.append(f"{self.edge(post)}.metric({metrics})")
        return Get(post.platform_post_id, {"fields": ",".join(fields)})

    def _insights(self, post: Post) -> dict[str, str]:
        """Return the insights to request for a post, `{canonical: field}`, without those refused for it or its kind."""
        return {
            name: offer.field
            for name, offer in offered(self.name, *post.kind).items()
            if name not in self.node_metrics
            and name not in post.refused
            and not self._quarantine.is_refused(name, *post.kind)
        }

    def _put(
        self,
        post: Post,
        body: Mapping[str, Any],
        reading: AccountReading,
        reason: Reason | None = None,
        reasons: Mapping[str, Reason] = NO_REASONS,
    ) -> None:
        """Add the metrics of a post to `reading`.

        `reason` is why all its insights are missing, `reasons` has the reasons for single missing metrics.
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
        has_edge, values = is_insights_edge(body.get(edge)), insights(body.get(edge))
        # The edge is missing if the token has no access to it.
        otherwise: Reason = reason or ("no_observation" if has_edge else "permission_missing")
        if edge in body and not has_edge:
            otherwise = "provider_error"
            reading.failures[f"insights of {post.platform_post_id}"] = NOT_AN_EDGE
        for name, offer in offered(self.name, *post.kind).items():
            if name in self.node_metrics:
                # Likes are missing if the owner of the post hides them.
                numbers.take(name, self.node_value(body, name), "permission_missing")
            elif self._quarantine.is_refused(name, *post.kind):
                numbers.miss(name, "metric_retired")
                reading.quarantined.add(str(Refused(name, *post.kind)))
            elif name in post.refused:
                numbers.miss(name, "not_supported")
            else:
                numbers.take(name, values.get(offer.field, ABSENT), reasons.get(name, otherwise))
                if has_edge:
                    self._quarantine.accept(name, *post.kind)
        return numbers

    def _take_refused(self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally) -> None:
        """Read posts for which some metric was refused.

        Two posts of each kind are read metric by metric; the others without the metrics refused for both of these.
        """
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
        """Read posts metric by metric, in one batch; return the refused metrics of each, by kind of post."""
        requests = [(post, name, field) for post in posts for name, field in self._insights(post).items()]
        gets = [Get(f"{post.platform_post_id}/{self.edge(post)}", {"metric": field}) for post, _, field in requests]
        gets += [self._get(post, with_insights=False) for post in posts]
        results = self._graph.batch(access.token, gets, tally)
        singly = {post.platform_post_id: _MetricResults() for post in posts}
        for (post, name, _), result in zip(requests, results, strict=False):
            self._sort_metric(access, post, name, result, singly[post.platform_post_id], reading)
        found: dict[tuple[str, str], list[frozenset[str]]] = {}
        for post, node in zip(posts, results[len(requests) :], strict=True):
            metrics = singly[post.platform_post_id]
            names = frozenset(metrics.refused)
            found.setdefault(post.kind, []).append(names)
            if isinstance(node, PlatformError):
                reading.failures[post.platform_post_id] = str(node)
            else:
                body = {**node, self.edge(post): {"data": metrics.rows}}
                self._put(replace(post, refused=post.refused | names), body, reading, reasons=metrics.reasons)
        return found

    def _sort_metric(
        self, access: Access, post: Post, name: str, result: Result, into: "_MetricResults", reading: AccountReading
    ) -> None:
        """Add the result of one metric of a post to the post's results, and note what it shows about the metric."""
        if isinstance(result, MetricRefused):
            into.refused.add(name)
            self._refuse(access, post, name, str(result))
        elif isinstance(result, PlatformError):
            into.reasons[name] = result.reason
            if not isinstance(result, PostUnavailable | PermissionMissing | PostGone):
                reading.failures[f"{name} of {post.platform_post_id}"] = str(result)
        elif not is_insights_edge(result):
            into.reasons[name] = "provider_error"
            reading.failures[f"{name} of {post.platform_post_id}"] = NOT_AN_EDGE
        else:
            self._quarantine.accept(name, *post.kind)
            into.rows += rows(result)

    def _refuse(self, access: Access, post: Post, name: str, message: str) -> None:
        refused = Refused(name, post.metric_type, post.content_type, message)
        self._quarantine.refuse(refused, access.platform_account_id, post.platform_post_id)

    def _take_bare(
        self, access: Access, posts: Sequence[tuple[Post, Reason]], reading: AccountReading, tally: Tally
    ) -> None:
        """Read posts without their insights, which are missing for the reason given with each post."""
        gets = [self._get(post, with_insights=False) for post, _ in posts]
        for (post, reason), result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                self._put(post, result, reading, reason)

    def _confirm_gone(self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally) -> None:
        """Request the bare posts to confirm that they are gone: 100/33 may be a rate limit in disguise.

        Facts: docs/platform-facts.md#meta-errors.
        """
        gets = [Get(post.platform_post_id, {"fields": "id"}) for post in posts]
        for post, result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PostGone):
                reading.gone.append(post.platform_post_id)
            elif isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                reading.failures[post.platform_post_id] = "missing at first, then there: left for the next hour"

    def _try_again(self, access: Access, posts: Iterable[Post], tally: Tally) -> None:
        """Request quarantined metrics again for one post of each kind; a metric that is answered leaves the quarantine.

        `Quarantine.should_retry` decides whether this worker does so.
        """
        requests = [
            (post, name, offer.field)
            for post in {post.kind: post for post in posts}.values()
            for name, offer in offered(self.name, *post.kind).items()
            if self._quarantine.should_retry(name, *post.kind)
        ]
        gets = [Get(f"{post.platform_post_id}/{self.edge(post)}", {"metric": field}) for post, _, field in requests]
        for (post, name, _), result in zip(requests, self._graph.batch(access.token, gets, tally), strict=True):
            if is_insights_edge(result):
                self._quarantine.accept(name, *post.kind)


@dataclass(slots=True)
class _MetricResults:
    """The results of a post whose metrics were requested one by one."""

    rows: list[Any] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    reasons: dict[str, Reason] = field(default_factory=dict)
    """Why each metric that was neither answered nor refused is missing."""


def _check_id(post: Post, body: Mapping[str, Any]) -> None:
    """Check that an answer has the id of its post. The page's id before `_` is not compared: some answers omit it.

    Raises:
        LookupError: the answer has no id.
        ValueError: the answer is about another post.
    """
    wanted, found = (str(post_id).rpartition("_")[2] for post_id in (post.platform_post_id, body["id"]))
    if found != wanted:
        raise ValueError("the answer is about another post")


def _sampled(posts: Sequence[Post]) -> tuple[list[Post], list[Post]]:
    """Split posts into the first `_SAMPLE` of each kind and the others."""
    sample: list[Post] = []
    others: list[Post] = []
    count: dict[tuple[str, str], int] = {}
    for post in posts:
        count[post.kind] = count.get(post.kind, 0) + 1
        (sample if count[post.kind] <= _SAMPLE else others).append(post)
    return sample, others
