"""Set a campaign: checks of everything that comes from outside. A refused campaign changes nothing."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from metrics.campaigns.chosen import nearest
from metrics.errors import InvalidInput
from metrics.ids import check_text
from metrics.post_content import folded
from metrics.store import Store
from metrics.store.workspace.campaigns import CampaignDocument, campaign_id
from metrics.visible import visible

MAX_CAMPAIGNS = 500
MAX_DAYS = 400
"""The longest range that any other read may have, too."""
MAX_ACCOUNTS, MAX_POSTS = 1000, 1000
LONGEST_TITLE, LONGEST_TAG = 100, 100
NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_NAME = re.compile(NAME_PATTERN)
_TAG = re.compile(r"\w+")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign as a person gives it: days of the workspace, both inclusive. None for what is not given."""

    name: str
    title: str
    start: date
    end: date
    account_ids: tuple[str, ...] | None = None
    post_ids: tuple[str, ...] | None = None
    tag: str | None = None


def set_campaign(
    store: Store, workspace_id: str, wanted: NewCampaign, now: datetime, *, stores_content: bool
) -> CampaignDocument:
    """Store a campaign in place of one of the same name, and return it.

    `stores_content` says whether the beginnings of captions are stored, in which tags are looked for.

    Raises:
        InvalidInput: a field is not accepted, or an account or a post is not one of the workspace.
        MongoUnavailable: MongoDB does not answer.
    """
    _check_name(wanted.name)
    check_text(wanted.title, "title")
    if not 1 <= len(wanted.title) <= LONGEST_TITLE:
        raise InvalidInput(f"title: a title has 1 to {LONGEST_TITLE} characters", "title")
    _check_dates(wanted.start, wanted.end)
    tag = None if wanted.tag is None else _checked_tag(wanted.tag, stores_content=stores_content)
    known = {account.account_id for account in store.accounts.connections([workspace_id])}
    accounts = _checked_ids(wanted.account_ids, known, "accountIds", "account", MAX_ACCOUNTS)
    posts = _checked_posts(store, workspace_id, wanted.post_ids, accounts)
    present = {one["name"]: one for one in store.campaigns.all(workspace_id)}
    if wanted.name not in present and len(present) >= MAX_CAMPAIGNS:
        raise InvalidInput(f"a workspace has at most {MAX_CAMPAIGNS} campaigns: delete one first", "name")
    before = present.get(wanted.name)
    campaign: CampaignDocument = {
        "_id": campaign_id(workspace_id, wanted.name),
        "workspaceId": workspace_id,
        "name": wanted.name,
        "title": wanted.title,
        "startDate": wanted.start.isoformat(),
        "endDate": wanted.end.isoformat(),
        "createdAt": before["createdAt"] if before else now,
        "changedAt": now,
    }
    if accounts is not None:
        campaign["accountIds"] = accounts
    if posts is not None:
        campaign["postIds"] = posts
    if tag is not None:
        campaign["tag"] = tag
    store.campaigns.put(campaign)
    return campaign


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "name: a name has 1 to 64 letters, digits, '_', '.' and '-', and begins with a letter or digit, "
            "as spring-2026",
            "name",
        )


def _check_dates(start: date, end: date) -> None:
    for parameter, day in (("startDate", start), ("endDate", end)):
        if not 2000 <= day.year < 2200:
            raise InvalidInput(f"{parameter}: must be a date from 2000 to 2199", parameter)
    if end < start:
        raise InvalidInput("endDate: must not be before startDate", "endDate")
    if (end - start).days >= MAX_DAYS:
        raise InvalidInput(f"endDate: a campaign may have at most {MAX_DAYS} days", "endDate")


def _checked_tag(given: str, *, stores_content: bool) -> str:
    tag = folded(given.removeprefix("#"))
    if not _TAG.fullmatch(tag) or len(tag) > LONGEST_TAG:
        raise InvalidInput(
            f"tag: a tag has 1 to {LONGEST_TAG} letters, digits and underscores, with or without the #", "tag"
        )
    if not stores_content:
        raise InvalidInput(
            "tag: captions are not stored (TIDEMARK_STORE_POST_CONTENT=false), so no tag can be found: "
            "name the posts in postIds",
            "tag",
        )
    return tag


def _checked_ids(
    given: tuple[str, ...] | None, known: Collection[str], parameter: str, what: str, most: int
) -> list[str] | None:
    if given is None:
        return None
    if not 1 <= len(given) <= most:
        raise InvalidInput(f"{parameter}: give 1 to {most:,} ids, or leave {parameter} out", parameter)
    if unknown := [one for one in dict.fromkeys(given) if one not in known]:
        raise InvalidInput(f"{parameter}: the workspace has no {what} {_listed(unknown)}", parameter)
    return sorted(set(given))


def _checked_posts(
    store: Store, workspace_id: str, given: tuple[str, ...] | None, accounts: Collection[str] | None
) -> list[str] | None:
    if given is None:
        return None
    found = [post for post in store.posts.of_ids(given[:MAX_POSTS]) if post["workspaceId"] == workspace_id]
    posts = _checked_ids(given, {post["_id"] for post in found}, "postIds", "post", MAX_POSTS)
    others = [post["_id"] for post in found if accounts is not None and post["accountId"] not in accounts]
    if others:
        raise InvalidInput(f"postIds: {_listed(others)} is of an account that accountIds leaves out", "postIds")
    return posts


def _listed(ids: Iterable[str]) -> str:
    """Return some ids for a message, in a form that can be printed."""
    texts = [visible(one[:128]) for one in ids]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def unknown_campaign(name: str, known: Iterable[str]) -> str:
    """Return the message that there is no campaign of a name, with the nearest names."""
    return f"there is no campaign {visible(name[:128])}: {nearest(name, known)}"
