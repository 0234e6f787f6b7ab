"""A post as a platform tells it: what it is, and its content."""

from dataclasses import dataclass, field
from datetime import datetime

from metrics.documents import ContentType, MetricType


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a post as a platform returned it: of any type and length, not checked, and personal data.

    `caption` is plain text: clients remove their platform's markup. `pipelines.collect.posts.content` checks the values
    and decides what is stored. The repr shows none of them.
    """

    permalink: object = field(default=None, repr=False)
    caption: object = field(default=None, repr=False)
    thumbnail_url: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Post:
    """A post, identified by its platform's id; `published_at` is None if the platform does not tell it.

    `refused` are the metrics that the platform refused for this post; they are not requested again today.
    `kind_is_sure` is False if a list did not tell the kind of the post, so that its two types are a guess. `content`
    is None if the answer was not asked for it, as for a stored post; the stored content is then still valid.
    """

    platform_post_id: str
    metric_type: MetricType
    content_type: ContentType
    published_at: datetime | None
    refused: frozenset[str] = frozenset()
    kind_is_sure: bool = True
    content: Content | None = field(default=None, repr=False, compare=False)

    @property
    def kind(self) -> tuple[MetricType, ContentType]:
        """The pair of types that determines which metrics the post has."""
        return self.metric_type, self.content_type
