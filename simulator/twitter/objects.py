"""Users, posts and media as X shows them: default fields, those asked for, and what was not allowed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator import truth
from simulator.state import State
from simulator.twitter.world import PRIVATE, PRIVATE_DAYS, PUBLIC
from simulator.world import SimAccount, SimPost

_RENAMED = {"retweet_count": "repost_count"}
_PREFIX = {"photo": 3, "video": 13}
_OF_LINKS = (("impression_count", PUBLIC["impression_count"]), *PRIVATE.items())
_PRIVATE = tuple(one for one in _OF_LINKS if one[0] != "url_link_clicks")
"""Private counters of posts with a link, and of those without."""
PROBLEMS = "https://api.x.com/2/problems"

USER_FIELDS = frozenset(
    ["id", "name", "username", "created_at", "description", "public_metrics", "verified", "protected", "location",
     "url",     "profile_image_url", "pinned_tweet_id", "entities", "withheld", "verified_type",
     "most_recent_tweet_id", "affiliation", "connection_status", "parody", "profile_banner_url", "receives_your_dm",
     "subscription", "subscription_type", "is_identity_verified", "verified_followers_count"]
)  # fmt: skip
TWEET_FIELDS = frozenset(
    ["id", "text", "edit_history_tweet_ids", "created_at", "author_id", "public_metrics", "non_public_metrics",
     "organic_metrics", "promoted_metrics", "attachments", "entities", "lang", "source", "conversation_id",
     "in_reply_to_user_id", "referenced_tweets", "reply_settings", "possibly_sensitive", "withheld", "geo",
     "context_annotations", "edit_controls", "note_tweet", "article", "card_uri", "community_id", "display_text_range",
     "media_metadata", "scopes", "suggested_source_links"]
)  # fmt: skip
MEDIA_FIELDS = frozenset(
    ["media_key", "type", "url", "duration_ms", "height", "width", "preview_image_url", "public_metrics",
     "non_public_metrics", "organic_metrics", "promoted_metrics", "alt_text", "variants"]
)  # fmt: skip
EXPANSIONS = frozenset(
    ["author_id", "attachments.media_keys", "attachments.poll_ids", "referenced_tweets.id", "pinned_tweet_id",
     "in_reply_to_user_id", "entities.mentions.username", "geo.place_id", "edit_history_tweet_ids",
     "referenced_tweets.id.author_id", "referenced_tweets.id.attachments.media_keys", "article.cover_media",
     "article.media_entities", "entities.note.mentions.username", "most_recent_tweet_id", "affiliation.user_id",
     "author_screen_name", "referenced_posts.id", "referenced_posts.id.author_id", "edit_history_post_ids",
     "pinned_post_id", "attachments.media_source_tweet"]
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a request asks for, beside the objects themselves."""

    user: frozenset[str]
    tweet: frozenset[str]
    media: frozenset[str]
    expansions: frozenset[str]
    renamed: bool = False
    """Whether posts were asked for by `post.fields`, the name since August 2026: counts have new names then too."""


def stamp(now: datetime) -> str:
    """Return an instant as X writes it."""
    return now.isoformat(timespec="seconds")[:19] + ".000Z"


def user(state: State, account: SimAccount, asked: Asked, now: datetime) -> dict[str, Any]:
    """Return a user: id, name and username, and what was asked for."""
    found: dict[str, Any] = {
        "id": account.platform_account_id,
        "name": account.handle.replace(".", " ").title(),
        "username": account.handle.replace(".", "_"),
    }
    if "created_at" in asked.user:
        found["created_at"] = "2019-03-01T08:00:00.000Z"
    if "public_metrics" in asked.user:
        levels = state.world.platforms["twitter"].levels
        metrics = {name: level(state.world, account, now) for name, level in levels.items()}
        # A user's fields have one name in both spellings: which is meant is not told, and either is read.
        found["public_metrics"] = metrics | {"post_count": metrics["tweet_count"]}
    texts = {"description": "Simulated.", "verified": False, "protected": False}
    return found | {name: text for name, text in texts.items() if name in asked.user}


def tweet(state: State, post: SimPost, asked: Asked, now: datetime) -> dict[str, Any]:
    """Return a post; private metrics only while they are told."""
    post_id = post.platform_post_id
    found: dict[str, Any] = {"id": post_id, "text": text_of(post), "edit_history_tweet_ids": [post_id]}
    if "created_at" in asked.tweet:
        found["created_at"] = stamp(post.published_at)
    if "author_id" in asked.tweet:
        found["author_id"] = state.world.account("twitter", post.account_index).platform_account_id
    if "lang" in asked.tweet:
        found["lang"] = "en"
    if "conversation_id" in asked.tweet:
        found["conversation_id"] = post_id
    if "attachments" in asked.tweet and (keys := media_keys(post)):
        found["attachments"] = {"media_keys": keys}
    if "entities" in asked.tweet and "urls" in post.kind.native:
        found["entities"] = {"urls": [{"start": 0, "end": 23, "url": "https://t.co/sim", "display_url": "example.org"}]}
    if "public_metrics" in asked.tweet:
        curve = truth.curve(state.world, post, now)
        public = {name: counter(curve) for name, counter in PUBLIC.items()}
        found["public_metrics"] = {_RENAMED.get(k, k): v for k, v in public.items()} if asked.renamed else public
    if "non_public_metrics" in asked.tweet and told(post, now):
        curve = truth.curve(state.world, post, now)
        counters = _OF_LINKS if "urls" in post.kind.native else _PRIVATE
        found["non_public_metrics"] = {name: counter(curve) for name, counter in counters}
    return found


def told(post: SimPost, now: datetime) -> bool:
    """Whether private metrics are told: of posts of the last 30 days."""
    return post.published_at >= now - PRIVATE_DAYS


def refusal(post: SimPost) -> dict[str, Any]:
    """Return the partial error of a post whose private metrics are not told any more."""
    return {
        "resource_id": post.platform_post_id,
        "parameter": "ids",
        "resource_type": "tweet",
        "section": "data",
        "title": "Field Authorization Error",
        "value": post.platform_post_id,
        "detail": "Sorry, you are not authorized to access 'non_public_metrics' on the Tweet: it is older than 30 "
        "days.",
        "type": f"{PROBLEMS}/not-authorized-for-field",
    }


def not_found(value: str, parameter: str = "ids", resource: str = "tweet") -> dict[str, Any]:
    """Return the partial error of a post or user that is not there."""
    return {
        "value": value,
        "detail": f"Could not find {resource} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{PROBLEMS}/resource-not-found",
    }


def text_of(post: SimPost) -> str:
    """Return what a post says."""
    return f"{post.text} https://t.co/sim" if "urls" in post.native else post.text


def media_keys(post: SimPost) -> list[str]:
    """Return the keys of what is attached to a post."""
    if not post.kind.native:
        return []
    number = post.platform_post_id
    return [f"{_PREFIX[kind]}_{number}{place}" for place, kind in enumerate(post.native) if kind != "urls"]


def media(state: State, post: SimPost, asked: Asked, now: datetime) -> list[dict[str, Any]]:
    """Return what is attached to a post; a video has its views."""
    found: list[dict[str, Any]] = []
    for key, kind in zip(media_keys(post), post.native, strict=False):
        one: dict[str, Any] = {"media_key": key, "type": kind}
        if kind == "video" and "public_metrics" in asked.media:
            one["public_metrics"] = {"view_count": truth.post_value(state.world, post, "view_count", now)}
        if kind == "video" and "duration_ms" in asked.media:
            one["duration_ms"] = 46_947
        found.append(one)
    return found
