"""What a campaign selects: a span of instants, accounts, and possibly posts, as the workspace is now."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches

from metrics.calendars import Calendar
from metrics.clock import utcnow
from metrics.expected import Span
from metrics.post_content import seen_after
from metrics.store import Store
from metrics.store.posts import CaptionSearch
from metrics.store.workspace.campaigns import CampaignDocument

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Chosen:
    """The span, the accounts and the posts of a campaign.

    `account_ids` are all accounts of the workspace if it is None. `post_ids` is None unless the campaign names posts or
    a tag: then only these posts count, and `account_ids` are their accounts, or those that the campaign names.
    """

    name: str
    span: Span
    first: date
    last: date
    account_ids: frozenset[str] | None = None
    post_ids: frozenset[str] | None = None

    def takes_account(self, account_id: str) -> bool:
        """Tell whether an account, or a post of it, belongs to the campaign."""
        return self.account_ids is None or account_id in self.account_ids


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a clause that offers the names of campaigns in place of one that does not exist."""
    names = sorted(known)
    if not names:
        return "the workspace has no campaign"
    by_lower = {one.lower(): one for one in reversed(names)}
    if found := get_close_matches(name.lower()[:128], by_lower, n=3, cutoff=0.5):
        return f"did you mean {' or '.join(by_lower[one] for one in found)}?"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"there are {', '.join(names[:_SHOWN])}{more}"


def chosen(store: Store, campaign: CampaignDocument, calendar: Calendar) -> Chosen:
    """Return what a campaign selects, with its dates as those of a calendar.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    first, last = date.fromisoformat(campaign["startDate"]), date.fromisoformat(campaign["endDate"])
    span = calendar.range_span(first, last).bounds
    accounts = frozenset(campaign["accountIds"]) if "accountIds" in campaign else None
    if "postIds" not in campaign and "tag" not in campaign:
        return Chosen(campaign["name"], span, first, last, accounts)
    posts = {post["_id"]: post["accountId"] for post in store.posts.of_ids(campaign.get("postIds", ()))}
    if "tag" in campaign:
        posts |= tagged(store, campaign["workspaceId"], span, campaign["tag"], utcnow())
    of_accounts = {name: owner for name, owner in posts.items() if accounts is None or owner in accounts}
    owners = frozenset(of_accounts.values()) if accounts is None else accounts
    return Chosen(campaign["name"], span, first, last, owners, frozenset(of_accounts))


def tagged(store: Store, workspace_id: str, span: Span, tag: str, now: datetime) -> dict[str, str]:
    """Return the posts that were published in a span with a tag in their stored caption, with their accounts.

    The tag stands as a word of its own behind a `#`; case does not count. Of a caption, its first 120 characters are
    stored, as long as the terms of the platform allow to keep them.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    pattern = re.compile(rf"(?<![\w&#])#{re.escape(tag)}(?!\w)")
    search = CaptionSearch(f"#{tag}", seen_after(now))
    return {
        post["_id"]: post["accountId"]
        for post in store.posts.published(workspace_id, *span, caption=search)
        if pattern.search(post.get("content", {}).get("captionFolded", ""))
    }
