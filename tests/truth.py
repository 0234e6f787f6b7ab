"""The data that `tidemark up` seeded for a workspace, as input of the brute-force reference."""

import json
import math
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Document, Observation, PostDocument
from metrics.periods import HOUR, slot_of
from metrics.store import Store
from metrics.vault import Vault, generate_secret_key
from pipelines.collect.ladder import FOLLOWED_UNTIL
from pipelines.collect.observe import post_document
from pipelines.platforms.data.post import Post
from simulator.registry import new_world
from tests.pipelines.rollup.reference import Reference
from tests.stack import Stack
from tidemark.seed import Plan, observations, seeded_account


def truth_of(stack: Stack) -> Reference:
    """Everything seeded of a workspace, from the simulator's truth, for the brute-force reference."""
    span = json.loads((stack.home / "seeded.json").read_text())
    what = Plan(datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"]))
    world, vault = new_world(), Vault([SecretStr(generate_secret_key())])
    accounts: list[AccountDocument] = []
    posts: list[PostDocument] = []
    said: list[Observation] = []
    for sim in (sim for workspace_id, sim in what.of(world) if workspace_id == "demo-north"):
        account = seeded_account("demo-north", sim, vault, what.start)
        published = world.posts(sim, what.start - FOLLOWED_UNTIL, what.end)
        accounts.append(account)
        for p in published:
            post = Post(p.platform_post_id, p.metric_type, p.content_type, p.published_at)
            document = post_document(account, post, None, post.published_at or utcnow())
            if p.deleted_at is not None and p.deleted_at <= what.end:
                document["deletedAt"] = p.deleted_at
            posts.append(document)
        said += observations(world, account, sim, published, what)
    return Reference(accounts, posts, said, what.end)


def with_what_was_collected(seeded: Reference, store: Store) -> Reference:
    """Add what runs collected of the hours after the seeded ones: periods under way hold it too."""
    said = list(seeded.observations)
    posts = {post["_id"]: post for post in seeded.posts}
    for account in seeded.accounts:
        since = account["connectedAt"] - FOLLOWED_UNTIL
        posts |= {post["_id"]: post for post in store.posts.of_account(account["_id"], since=since, alive=False)}
        scope = {"workspaceId": account["workspaceId"], "accountId": account["_id"]}
        said += map(_observation, store.observations.page(scope, slot_of(seeded.now), utcnow() + HOUR, limit=10_000))
    return Reference(seeded.accounts, list(posts.values()), said, utcnow())


def _observation(row: Document) -> Observation:
    metadata = row["metadata"]
    return Observation(
        metadata["workspaceId"], metadata["accountId"], metadata["platform"], metadata["metricType"], row["timestamp"],
        row["collectedAt"], row["metrics"], row["runId"], row["apiVersion"], row.get("unavailable", {}),
        metadata.get("postId"), metadata.get("platformPostId"), metadata.get("contentType"),
    )  # fmt: skip


def same(given: Any, expected: Any) -> bool:
    """Compare numbers of a rollup; sums of floats in another order may differ in the last digit."""
    return math.isclose(given, expected, rel_tol=1e-9) if isinstance(expected, float) else bool(given == expected)
