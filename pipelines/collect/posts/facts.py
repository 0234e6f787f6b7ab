"""Store the posts of a reading (not their metrics): new, changed, revived, deleted and duplicate ones."""

from collections.abc import Collection, Mapping
from datetime import datetime

from metrics.clock import utcnow
from metrics.documents import AccountDocument, PostDocument
from metrics.ids import post_id
from metrics.store import Store
from metrics.store.rollup import publications
from pipelines.collect import observe
from pipelines.collect.posts.content import ContentRules
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading


def store_posts(
    store: Store,
    account: AccountDocument,
    reading: AccountReading,
    stored: Mapping[str, PostDocument],
    now: datetime,
    rules: ContentRules,
    *,
    seen: bool = False,
) -> Mapping[str, PostDocument]:
    """Store what a reading says of an account's posts; return all known documents as they were before.

    `stored` has documents of posts by the platform's id. A list may name a post that is not among them, because
    collection loads young posts only: such posts are looked up before anything is written.

    The facts in a list of the platform replace those that a client announced. A deleted post that was read now is
    revived. `rules` decide about the content of posts; `reading.dropped_content` then counts what they did not accept.
    With `seen`, the documents tell when the platform last returned the posts, as those of watched accounts do.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    read = {post.platform_post_id: post for post, _ in reading.posts}
    others = {*read, *reading.listed, *reading.gone, *reading.same} - stored.keys()
    stored = {**stored, **_looked_up(store, account, others)}
    facts = [
        _document(account, post, stored.get(name), reading, read, now, rules)
        for name, post in {**read, **reading.listed}.items()
    ]
    if seen:
        for one in facts:
            one["seenAt"] = now
    publications.put_posts(store, account, facts, {post["_id"]: post for post in stored.values()})
    back = [stored[name] for name in read if name in stored and "deletedAt" in stored[name]]
    if back:
        publications.revive(store, account, back)
    twins = [(stored[name], other) for name, other in reading.same.items() if name in stored]
    if twins := [(post, other) for post, other in twins if post.get("sameAs") != other]:
        publications.merge(store, account, twins, utcnow())
    # A post that was listed, and deleted before it was ever read, is not stored.
    if gone := [stored[name] for name in reading.gone if name in stored]:
        publications.mark_deleted(store, account, gone, utcnow())
    return stored


def _looked_up(store: Store, account: AccountDocument, names: Collection[str]) -> dict[str, PostDocument]:
    """Return the documents of posts by the platform's id; new posts are left out."""
    found = store.posts.of_ids([post_id(account["_id"], name) for name in names]) if names else []
    return {post["platformPostId"]: post for post in found}


def _document(
    account: AccountDocument,
    post: Post,
    stored: PostDocument | None,
    reading: AccountReading,
    read: Mapping[str, Post],
    now: datetime,
    rules: ContentRules,
) -> PostDocument:
    """Return the document of a post: the facts of the list, and the stored ones where the list has none."""
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
    is_gone = stored is not None and "deletedAt" in stored and post.platform_post_id not in read
    if not is_gone and post.platform_post_id not in reading.gone:
        content, dropped = rules.decide(account["platform"], post, document["publishedAt"], stored, now)
        reading.dropped_content += dropped
        if content is not None:
            document["content"] = content
    return document
