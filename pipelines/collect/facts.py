"""What a reading says of posts beside their numbers: that they are there, of which kind, since when, or gone."""

from collections.abc import Mapping
from datetime import datetime

from metrics.clock import utcnow
from metrics.documents import AccountDocument, PostDocument
from metrics.store import Store, publications
from pipelines.collect import observe
from pipelines.platforms.base import AccountReading, Post


def note_posts(
    store: Store,
    account: AccountDocument,
    reading: AccountReading,
    stored: Mapping[str, PostDocument],
    now: datetime,
) -> None:
    """Store what is new of an account's posts; `stored` are their documents by the platform's id.

    What a list of the platform says of a post replaces what somebody announced. A post that was gone and was read now
    lives again.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    read = {post.platform_post_id: post for post, _ in reading.posts}
    facts = [
        _document(account, post, stored.get(name), reading, read, now)
        for name, post in {**read, **reading.listed}.items()
    ]
    publications.put_posts(store, account, facts, {post["_id"]: post for post in stored.values()})
    back = [stored[name] for name in read if name in stored and "deletedAt" in stored[name]]
    if back:
        publications.revive(store, account, back)
    # One that was listed and taken down before it was read never had a number here.
    if gone := [stored[name] for name in reading.gone if name in stored]:
        publications.mark_deleted(store, account, gone, utcnow())


def _document(
    account: AccountDocument,
    post: Post,
    stored: PostDocument | None,
    reading: AccountReading,
    read: Mapping[str, Post],
    now: datetime,
) -> PostDocument:
    """Return what is known of a post now: the list's word, and of what the list leaves out the word of before."""
    listed = post.platform_post_id in reading.listed
    document = observe.post_document(account, post, stored, now)
    if stored is not None and stored.get("announced") and not listed:
        document["announced"] = True
    refused = reading.refused.get(post.platform_post_id)
    if refused:
        document["refused"] = sorted(refused)
        document["refusedOn"] = f"{now:%Y-%m-%d}"
    elif stored is not None and "refused" in stored and post.platform_post_id not in read:
        document["refused"], document["refusedOn"] = stored["refused"], stored["refusedOn"]
    return document
