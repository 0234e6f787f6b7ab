"""The collection `posts`: published posts. A post that was deleted on its platform stays, with its observations."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from pymongo import UpdateOne
from pymongo.database import Database

from metrics.batches import batched
from metrics.documents import Document, Platform, PostDocument
from metrics.errors import NotFound
from metrics.store.errors import mongo_errors
from metrics.store.setup.namespaces import Namespace
from metrics.store.upserts import upsert_all

_OPTIONAL = ("announced", "timeUnknown", "refused", "refusedOn", "content")
_IDENTITY: tuple[Literal["_id", "workspaceId", "accountId"], ...] = ("_id", "workspaceId", "accountId")

_BATCH = 10_000
"""Ids per command, so that it stays below 16 MB."""
_READ = 1000
_SHOWN_CONTENT = ("captionExcerpt", "captionFolded", "thumbnailUrl", "thumbnailExpiresAt")
_WITHOUT_CONTENT: Document = {"$unset": {"content": ""}}
_MOMENT = timedelta(milliseconds=1)
"""The shortest time that MongoDB tells apart."""


@dataclass(frozen=True, slots=True)
class CaptionSearch:
    """A search of captions for a text, which is folded like `captionFolded` (`metrics.post_content`).

    `seen_after` has, by platform, the instant after which content must have been seen: older content counts as gone.
    """

    text: str
    seen_after: Mapping[Platform, datetime]


class PostStore:
    """Reads and writes of posts."""

    def __init__(self, db: Database[Document], names: Namespace) -> None:
        self._posts = db[names.posts]

    def put(self, posts: Iterable[PostDocument]) -> int:
        """Insert or update posts by id (upsert); return how many.

        Optional fields that a given post lacks are removed, except `deletedAt`: only `revive` removes that.
        """
        writes = []
        for post in posts:
            facts = {name: value for name, value in post.items() if name not in (*_IDENTITY, "deletedAt")}
            # An upsert into a sharded collection names the shard key; it follows from the id.
            query: Document = {name: post[name] for name in _IDENTITY}
            change: Document = {"$set": facts}
            if dropped := {name: "" for name in _OPTIONAL if name not in facts}:
                change["$unset"] = dropped
            writes.append(UpdateOne(query, change, upsert=True))
        with mongo_errors():
            upsert_all(self._posts, writes)
        return len(writes)

    def mark_deleted(self, post_ids: Sequence[str], at: datetime) -> int:
        """Record that posts no longer exist on their platform; an earlier time of deletion is kept.

        Their content is removed.
        """
        query = {"_id": {"$in": list(post_ids)}, "deletedAt": {"$exists": False}}
        with mongo_errors():
            return self._posts.update_many(query, {"$set": {"deletedAt": at}, **_WITHOUT_CONTENT}).modified_count

    def merge(self, same: Mapping[str, str], at: datetime) -> None:
        """Record that posts (by our id) are the same objects as other posts of their account (by the platform's id)."""
        writes = [
            UpdateOne({"_id": post_id}, {"$set": {"sameAs": other, "deletedAt": at}, **_WITHOUT_CONTENT})
            for post_id, other in same.items()
        ]
        with mongo_errors():
            self._posts.bulk_write(cast("Any", writes), ordered=False)

    def revive(self, post_ids: Sequence[str]) -> int:
        """Remove the deletion of posts that the platform shows again; return how many."""
        with mongo_errors():
            query = {"_id": {"$in": list(post_ids)}, "deletedAt": {"$exists": True}}
            return self._posts.update_many(query, {"$unset": {"deletedAt": ""}}).modified_count

    def remove_content(
        self, platform: Platform, *, seen_by: datetime | None = None, before: datetime | None = None
    ) -> set[str]:
        """Remove the content of posts; return the workspaces of these posts.

        The posts are those of a platform whose content was last seen at or before `seen_by`, or that were published
        before `before`. Without both instants they are all posts of the platform.
        """
        query: Document = {"platform": platform, "content.seenAt": {"$exists": True}}
        old: list[Document] = [] if seen_by is None else [{"content.seenAt": {"$lte": seen_by}}]
        old += [] if before is None else [{"publishedAt": {"$lt": before}}]
        query |= {"$or": old} if old else {}
        with mongo_errors():
            found = set(self._posts.distinct("workspaceId", query))
            if found:
                self._posts.update_many(query, _WITHOUT_CONTENT)
        return found

    def get(self, post_id: str) -> PostDocument:
        """Return one post.

        Raises:
            NotFound: there is no such post.
        """
        with mongo_errors():
            found = self._posts.find_one({"_id": post_id})
        if found is None:
            raise NotFound(f"no post {post_id}")
        return cast("PostDocument", found)

    def of_ids(self, post_ids: Sequence[str]) -> list[PostDocument]:
        """Return posts by id, also deleted ones; ids without a post are left out."""
        with mongo_errors():
            return cast("list[PostDocument]", list(self._posts.find({"_id": {"$in": list(post_ids)}})))

    def of_account(self, account_id: str, *, since: datetime, alive: bool = True) -> list[PostDocument]:
        """Return posts of an account published at or after `since`, newest first; deleted ones only if not `alive`."""
        query: Document = {"accountId": account_id, "publishedAt": {"$gte": since}}
        if alive:
            query["deletedAt"] = {"$exists": False}
        with mongo_errors():
            return cast("list[PostDocument]", list(self._posts.find(query).sort("publishedAt", -1)))

    def stream(self, workspace_id: str) -> Generator[PostDocument, None, None]:
        """Yield all posts of a workspace, also deleted ones, with nothing of their content but the link.

        They are read as of one instant, in flat memory. A caller that stops reading closes the generator.
        """
        fields = {f"content.{name}": 0 for name in _SHOWN_CONTENT}
        with (
            mongo_errors(),
            self._posts.database.client.start_session(snapshot=True) as session,
            self._posts.find({"workspaceId": workspace_id}, fields, session=session, batch_size=_READ) as cursor,
        ):
            yield from cast("Generator[PostDocument, None, None]", cursor)

    def published_at(self, post_ids: Sequence[str]) -> dict[str, datetime]:
        """Return when posts were published; posts whose platform does not report the time are left out."""
        found: dict[str, datetime] = {}
        with mongo_errors():
            for batch in batched(post_ids, _BATCH):
                query = {"_id": {"$in": batch}, "timeUnknown": {"$ne": True}}
                found |= {row["_id"]: row["publishedAt"] for row in self._posts.find(query, {"publishedAt": 1})}
        return found

    def published(
        self,
        workspace_id: str,
        start: datetime,
        end: datetime,
        *,
        after: tuple[datetime, str] | None = None,
        limit: int = 0,
        oldest_first: bool = False,
        post_ids: Sequence[str] | None = None,
        caption: CaptionSearch | None = None,
        **fields: Any,
    ) -> list[PostDocument]:
        """Return posts of a workspace published in `[start, end)` with equal `fields`, newest first, then by id.

        An object that is stored under two ids is returned once. With `post_ids`, only these posts are returned; with
        `caption`, only those whose stored caption contains a text. With `after`, the posts begin after that time and
        id; with a `limit` other than 0, there are at most that many.
        """
        query: Document = {
            "workspaceId": workspace_id,
            "publishedAt": {"$gte": start, "$lt": end},
            "sameAs": {"$exists": False},
            **fields,
        }
        if post_ids is not None:
            query["_id"] = {"$in": list(post_ids)}
        if caption is not None:
            query |= _having(caption)
        if after is not None:
            at, post_id = after
            beyond = {"$gt": at} if oldest_first else {"$lt": at}
            query["$or"] = [{"publishedAt": beyond}, {"publishedAt": at, "_id": {"$gt": post_id}}]
            rest = (max(start, at), end) if oldest_first else (start, min(end, at + _MOMENT))
            query["publishedAt"] = {"$gte": rest[0], "$lt": rest[1]}
        direction = 1 if oldest_first else -1
        with mongo_errors():
            found = self._posts.find(query, sort=[("publishedAt", direction), ("_id", 1)], limit=limit)
            return cast("list[PostDocument]", list(found))


def _having(caption: CaptionSearch) -> Document:
    """Return a query for posts whose caption contains a text.

    The text is a literal of an expression, not a pattern: no character of it has a special meaning.
    """
    place = {"$indexOfCP": ["$content.captionFolded", {"$literal": caption.text}]}
    # `$indexOfCP` of a missing field is null, which is less than every number.
    query: Document = {"$expr": {"$gte": [place, 0]}}
    old = [{"platform": name, "content.seenAt": {"$lte": at}} for name, at in caption.seen_after.items()]
    return query | ({"$nor": old} if old else {})
