"""Bluesky (AT protocol): accounts by DID, and their posts (docs/platform-facts.md#bluesky)."""

import re
from urllib.parse import unquote

from metrics.platforms.facts import Api, Colours, ContentFacts, Ids, PlatformFacts, PublicFacts, PublicNumbers
from metrics.platforms.ids import Refuse, shown
from metrics.platforms.terms import ERASED, PublicTerms, Term

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_PLC = re.compile(r"did:plc:[a-z2-7]{24}")
_WEB = "did:web:"
_RECORD = re.compile(r"[A-Za-z0-9._:~-]{1,512}")
_POSTS = "app.bsky.feed.post"
_LONGEST_DOMAIN = 253
BROKEN_HANDLE = "handle.invalid"
"""The handle that an account shows while its own one does not lead back to it; it names no account."""


def _account_id(text: str, refuse: Refuse) -> str:
    found = unquote(text).strip()
    if not found.lower().startswith("did:"):
        refuse(f"{shown(text)} is not a DID")
    # The parts of a DID are in lower case for did:plc, and a domain for did:web, so case carries no meaning.
    found = found.lower()
    if _PLC.fullmatch(found) or (found.startswith(_WEB) and _is_domain(found.removeprefix(_WEB))):
        return found
    return refuse(f"{shown(text)} is not a DID of the AT protocol")


def _is_domain(text: str) -> bool:
    return len(text) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(text) is not None


def _handle(text: str, refuse: Refuse) -> str:
    found = text.removeprefix("@").lower()
    if not _is_domain(found):
        refuse(f"{shown(text)} is not a handle")
    if found == BROKEN_HANDLE:
        refuse(f"{BROKEN_HANDLE} stands for a handle that no longer leads to its account, and names none")
    return found


def _post_id(text: str, refuse: Refuse) -> str:
    scheme, _, rest = unquote(text).partition("://")
    authority, _, path = rest.partition("/")
    collection, _, key = path.partition("/")
    if scheme.lower() != "at" or collection != _POSTS or not _RECORD.fullmatch(key) or key in (".", ".."):
        refuse(f"{shown(text)} is not the URI of a post")
    return f"at://{_account_id(authority, refuse)}/{_POSTS}/{key}"


_HANDLES = "or its handle, as acme.bsky.social"
BLUESKY = PlatformFacts(
    name="bluesky",
    title="Bluesky",
    api_title="Bluesky's API",
    apis={
        "bluesky": Api("https://public.api.bsky.app", "Base URL of Bluesky's public API, which takes no tokens."),
        "bluesky_pds": Api("https://bsky.social", "Base URL of the server that opens sessions with app passwords."),
    },
    kinds={"post": ("image", "video", "carousel", "text", "link", "other")},
    rate_basis="followers",
    rate_basis_of="account",
    colours=Colours("#5b4bc4", "#7f6cf0"),
    public_numbers=PublicNumbers(
        accounts=("followers", "following", "posts"),
        posts=("likes", "comments", "shares", "saves"),
        shared=True,
        notes=("Bluesky counts no views.",),
    ),
    content=ContentFacts(
        picture_servers=("https://cdn.bsky.app", "https://video.bsky.app", "https://video.cdn.bsky.app")
    ),
    terms=(
        Term(
            "posts",
            "They are public. What was deleted there is to be deleted, and requests to delete are honoured. No time is "
            "named.",
            "A post that Bluesky no longer returns loses its content; its numbers stay. " + ERASED,
            "*Developer Guidelines*",
        ),
    ),
    account_ids=Ids(
        "give the DID of the account, as did:plc:z72i7hdynmk6r22z27h6tvur (`did` in `app.bsky.actor.getProfile`), "
        f"{_HANDLES}",
        _account_id,
    ),
    account_names=Ids(_HANDLES, _handle),
    post_ids=Ids(
        "give the URI of the post with the DID of its account, as at://did:plc:z72i7hdynmk6r22z27h6tvur/"
        "app.bsky.feed.post/3l6oveex3ii2l (the `uri` that `com.atproto.repo.createRecord` returned)",
        _post_id,
    ),
    accounts={"followers": "followersCount", "following": "followsCount", "posts": "postsCount"},
    posts={
        "likes": "likeCount",
        "comments": "replyCount",
        "shares": "repostCount + quoteCount",
        "saves": "bookmarkCount",
    },
    public=PublicFacts(
        Ids("give the handle, as acme.bsky.social, or the DID", _handle),
        PublicTerms(
            allowed=True,
            days=None,
            derived_allowed=True,
            rule="They are public by the protocol. No time is named.",
            derived_rule="They are not named.",
            deletion="What was deleted there is to be deleted, and requests to delete are honoured. No time is named.",
            source="*Developer Guidelines*",
        ),
    ),
    needs_token=False,
    no_login="Bluesky needs no login here: its numbers are public, and an app password, where you want one, goes into "
    "`tidemark accounts connect --platform bluesky --token -`.",
)
