"""Writes of posts that mark the periods whose rollups count them.

Rollups count posts in the collection `posts`, not in observations. So when a post becomes known or is deleted after the
period of its publication was rolled up, the period must be rolled up again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from metrics.calendars.workspace import periods_of
from metrics.documents import AccountDocument, PostDocument
from metrics.store.rollup.roll_marks import Touched
from metrics.store.rollup.rollups import rollup_id
from metrics.store.store import Store


def put_posts(
    store: Store, account: AccountDocument, posts: Sequence[PostDocument], known: Mapping[str, PostDocument]
) -> None:
    """Store those posts of an account that differ from the stored ones, `known`, by id."""
    posts = [post for post in posts if _differs(post, known.get(post["_id"]))]
    recounted = [post for post in posts if _counted(known.get(post["_id"])) != _counted(post)]
    before = [known[post["_id"]] for post in recounted if post["_id"] in known]
    with _marked(store, account, (post["publishedAt"] for post in [*recounted, *before])):
        store.posts.put(posts)


def mark_deleted(store: Store, account: AccountDocument, posts: Sequence[PostDocument], at: datetime) -> None:
    """Record that stored posts of an account no longer exist on their platform."""
    with _marked(store, account, (post["publishedAt"] for post in posts)):
        store.posts.mark_deleted([post["_id"] for post in posts], at)


def revive(store: Store, account: AccountDocument, posts: Sequence[PostDocument]) -> None:
    """Record that deleted posts of an account exist on their platform again."""
    with _marked(store, account, (post["publishedAt"] for post in posts)):
        store.posts.revive([post["_id"] for post in posts])


def merge(store: Store, account: AccountDocument, same: Sequence[tuple[PostDocument, str]], at: datetime) -> None:
    """Record that stored posts of an account are the same objects as others, given by the platform's id."""
    with _marked(store, account, (post["publishedAt"] for post, _ in same)):
        store.posts.merge({post["_id"]: other for post, other in same}, at)


def _differs(post: PostDocument, stored: PostDocument | None) -> bool:
    if stored is None:
        return True
    facts = {name: value for name, value in stored.items() if name not in ("deletedAt", "sameAs")}
    return {name: value for name, value in post.items() if name != "deletedAt"} != facts


def _counted(post: PostDocument | None) -> tuple[datetime, str] | None:
    return (post["publishedAt"], post["contentType"]) if post else None


@contextmanager
def _marked(store: Store, account: AccountDocument, published: Iterable[datetime]) -> Iterator[None]:
    """Mark periods before and after a write: the first mark survives a crash, the second one a roll-up in between."""
    instants = list(published)
    store.marks.touch(_periods(store, account, instants))
    yield
    # The periods are determined again: one that was first rolled up in the meantime may have the old counts.
    store.marks.touch(_periods(store, account, instants))


def _periods(store: Store, account: AccountDocument, published: Iterable[datetime]) -> set[Touched]:
    """Return the periods of publication; those before the account was connected only if they are or were rolled up.

    The account's history can have days from before the connection, which are rolled up like all others.
    """
    workspace_id, instants = account["workspaceId"], list(published)
    found: set[Touched] = set()
    ids: dict[str, Touched] = {}
    for calendar in store.calendars.get(workspace_id).kept if instants else ():
        for day in {calendar.date_of(at) for at in instants}:
            for period, start, span in periods_of(calendar, day):
                touched = (workspace_id, period, start)
                if span.end > account["connectedAt"]:
                    found.add(touched)
                else:
                    ids[rollup_id(account["_id"], period, span.start, calendar.version)] = touched
    if not ids:
        return found
    # Marks are read before rollups: a roll-up clears its mark only after it has written.
    rolled = store.marks.marked(ids.values())
    return found | rolled | {ids[one] for one in store.rollups.present(list(ids))}
