"""What collection wants to read of an account, and what is known of its posts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pipelines.platforms.data.post import Post
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.memory import Memory

FOLLOWED = timedelta(days=90)
"""Posts older than this are no longer read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The posts of an account that collection wants to read, and what is known of its posts.

    `due` are the posts to read. `known` are all stored posts, by the platform's id. Of these, `announced` were named by
    a client and never returned by a list, `deleted` are no longer on the platform, `same` are known under another id as
    well, and `unread` are to be read as soon as a list returns them. Lists are read back to posts published at `since`.
    The platform updates `memory` while it reads; the caller saves it after the reading is stored.
    """

    since: datetime
    due: Sequence[Post] = ()
    known: Mapping[str, Post] = field(default_factory=dict)
    announced: Collection[str] = ()
    deleted: Collection[str] = ()
    unread: Collection[str] = ()
    memory: Memory = field(default_factory=Memory)
    budget: PostBudget | None = None
    same: Collection[str] = ()

    @property
    def listed(self) -> Collection[str]:
        """The ids that lists returned earlier. Announced ids are left out: they do not show that the posts below them
        in the list were read."""
        return self.known.keys() - set(self.announced)

    def with_stored_kind(self, post: Post) -> Post:
        """Return a listed post; if the list did not tell its kind, with the kind that is stored for it."""
        known = self.known.get(post.platform_post_id)
        if post.kind_is_sure or known is None:
            return post
        return replace(post, metric_type=known.metric_type, content_type=known.content_type)

    def posts_to_read(self, listed: Mapping[str, Post]) -> list[Post]:
        """Return the listed posts to read now: new, unread, no longer deleted, or of another kind than stored."""
        again = {*self.deleted, *self.unread}
        return [
            post
            for name, post in listed.items()
            if name not in self.known or name in again or self.known[name].kind != post.kind
        ]
