"""Call of X's API, and the parsing of its parameters."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from simulator.faults import Faults, Target
from simulator.state import State
from simulator.twitter.problem import invalid
from simulator.world import SimAccount

Params = Mapping[str, str]
MAX_IDS = 100
_ID = re.compile(r"[0-9]{1,19}")
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,30}")
"""User names have at most fifteen characters on X, but more here, since they contain the number of the account."""
_PARAMETERS = frozenset(
    ["analytics.fields", "days", "end_time", "exclude", "expansions", "granularity", "ids", "max_results",
     "media.fields", "next_token", "pagination_token", "place.fields", "poll.fields", "post.fields", "since_id",
     "start_time", "tweet.fields", "until_id", "usage.fields", "user.fields", "usernames"]
)  # fmt: skip

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
USAGE_FIELDS = frozenset(
    ["cap_reset_day", "daily_client_app_usage", "daily_project_usage", "project_cap", "project_id", "project_usage"]
)


@dataclass(frozen=True)
class RequestedFields:
    """Fields and expansions that a request asks for."""

    user: frozenset[str]
    tweet: frozenset[str]
    media: frozenset[str]
    expansions: frozenset[str]
    usage: frozenset[str]
    renamed: bool = False
    """True if the request uses `post.fields`, the name since August 2026; counts then have new names, too."""


@dataclass(frozen=True)
class Call:
    """One call: the account, the parameters and the instant; `account` is None for an app token."""

    state: State
    account: SimAccount | None
    params: Params
    requested: RequestedFields
    now: datetime
    aim: Target
    base_url: str


def parse_requested_fields(params: Params, faults: Faults) -> RequestedFields:
    """Return the requested fields and expansions.

    Raises:
        Problem: a parameter, a field or an expansion is unknown.
    """
    for name in params:
        if name not in _PARAMETERS:
            raise invalid(f"The query parameter [{name}] is not one of [{','.join(sorted(_PARAMETERS))}]")
    known = {
        "user.fields": USER_FIELDS, "tweet.fields": TWEET_FIELDS, "media.fields": MEDIA_FIELDS,
        "expansions": EXPANSIONS, "post.fields": TWEET_FIELDS, "usage.fields": USAGE_FIELDS,
    }  # fmt: skip
    chosen = {}
    for name, values in known.items():
        wanted = frozenset(value for value in params.get(name, "").split(",") if value)
        allowed = values - faults.retired()
        for value in sorted(wanted - allowed):
            faults.retires(value)
            raise invalid(
                f"The `{name}` query parameter value [{value}] is not one of [{','.join(sorted(allowed))}]",
                **{name: value},
            )
        chosen[name] = wanted
    expansions = chosen["expansions"]
    return RequestedFields(
        # An expansion includes the field that it expands.
        chosen["user.fields"] | (expansions & USER_FIELDS),
        chosen["tweet.fields"] | chosen["post.fields"] | (expansions & TWEET_FIELDS),
        chosen["media.fields"], expansions, chosen["usage.fields"], renamed=bool(chosen["post.fields"]),
    )  # fmt: skip


def ids_of(params: Params, name: str = "ids") -> list[str]:
    """Return the ids or user names of a list.

    Raises:
        Problem: the list is empty or too long, or one item is malformed.
    """
    given = params.get(name, "")
    values = given.split(",") if given else []
    if not 1 <= len(values) <= MAX_IDS:
        raise invalid(
            f"The number of values in the `{name}` query parameter list [{len(values)}] is not between 1 and {MAX_IDS}"
        )
    _check(values, name, given)
    return values


def id_of(value: str, name: str = "id") -> str:
    """Return an id or a user name from a path.

    Raises:
        Problem: the text is malformed.
    """
    _check([value], name, value)
    return value


def _check(values: Iterable[str], name: str, given: str) -> None:
    pattern, shown_pattern = (
        (_USERNAME, "^[A-Za-z0-9_]{1,15}$") if name.startswith("username") else (_ID, "^[0-9]{1,19}$")
    )
    for value in values:
        if not pattern.fullmatch(value):
            raise invalid(
                f"The `{name}` query parameter value [{value}] does not match {shown_pattern}", **{name: given}
            )
