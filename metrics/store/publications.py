"""Posts as rollups count them: who learns of one late, or of its end, marks the periods that it was published in.

Counts of posts are made of the collection `posts`, not of observations, so a roll that came before does not hold them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from metrics.documents import AccountDocument, PostDocument
from metrics.periods import PERIODS, period_end, period_start
from metrics.store.roll_marks import Touched
from metrics.store.rollups import rollup_id
from metrics.store.store import Store


def put_posts(
    store: Store, account: AccountDocument, posts: Sequence[PostDocument], known: Mapping[str, PostDocument]
) -> None:
    """Put those posts of an account that say more than what is stored of them, `known`, by id."""
    posts = [post for post in posts if _says_more(post, known.get(post["_id"]))]
    news = [post for post in posts if _counted(known.get(post["_id"])) != _counted(post)]
    before = [known[post["_id"]] for post in news if post["_id"] in known]
    with _marked(store, account, (post["publishedAt"] for post in [*news, *before])):
        store.posts.put(posts)


def mark_deleted(store: Store, account: AccountDocument, posts: Sequence[PostDocument], at: datetime) -> None:
    """Record that stored posts of an account are gone from their platform."""
    with _marked(store, account, (post["publishedAt"] for post in posts)):
        store.posts.mark_deleted([post["_id"] for post in posts], at)


def revive(store: Store, account: AccountDocument, posts: Sequence[PostDocument]) -> None:
    """Record that stored posts of an account, which were gone, are on their platform again."""
    with _marked(store, account, (post["publishedAt"] for post in posts)):
        store.posts.revive([post["_id"] for post in posts])


def merge(store: Store, account: AccountDocument, same: Sequence[tuple[PostDocument, str]], at: datetime) -> None:
    """Record of stored posts of an account which other ones, by the platform's id, they are."""
    with _marked(store, account, (post["publishedAt"] for post, _ in same)):
        store.posts.merge({post["_id"]: other for post, other in same}, at)


def _says_more(post: PostDocument, stored: PostDocument | None) -> bool:
    if stored is None:
        return True
    facts = {name: value for name, value in stored.items() if name not in ("deletedAt", "sameAs")}
    return {name: value for name, value in post.items() if name != "deletedAt"} != facts


def _counted(post: PostDocument | None) -> tuple[datetime, str] | None:
    return (post["publishedAt"], post["contentType"]) if post else None


@contextmanager
def _marked(store: Store, account: AccountDocument, published: Iterable[datetime]) -> Iterator[None]:
    """Mark before and after: a crash in between leaves a mark, a roll in between leaves the second one."""
    instants = list(published)
    store.marks.touch(_periods(store, account, instants))
    yield
    # Looked up again: what was rolled for the first time meanwhile may hold the counts of before.
    store.marks.touch(_periods(store, account, instants))


def _periods(store: Store, account: AccountDocument, published: Iterable[datetime]) -> set[Touched]:
    """Return the periods of publication; of those before the account was connected only what was or is rolled.

    Its history has days from before the connection, and these are rolled like all others.
    """
    workspace_id = account["workspaceId"]
    found: set[Touched] = {(workspace_id, period, period_start(period, at)) for at in published for period in PERIODS}
    early = {one for one in found if period_end(one[1], one[2]) <= account["connectedAt"]}
    if not early:
        return found
    # The marks first: a roll takes its mark away only after it has written.
    rolled = store.marks.dirty(early)
    ids = {rollup_id(account["_id"], period, start): (workspace_id, period, start) for _, period, start in early}
    return (found - early) | rolled | {ids[one] for one in store.rollups.present(list(ids))}
