"""The days, accounts and posts that the label `campaign` selects, as tests of aggregations."""

from datetime import datetime
from typing import Any

from metrics.aggregation.mongo_expressions import Expression
from metrics.campaigns.chosen import chosen
from metrics.definitions.language.forms import Form, Selector
from metrics.store import Store


def with_campaigns(store: Store, form: Form, workspace_id: str) -> Form:
    """Return a form with what its campaigns select now; a campaign that no longer exists selects nothing.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    selectors = [term.selector for term in form.terms]
    names = {name for one in selectors if one.chosen is None for name in one.campaigns}
    if not names:
        return form
    calendar = store.calendars.get(workspace_id).current
    return form.with_campaigns(
        {one["name"]: chosen(store, one, calendar) for one in store.campaigns.all(workspace_id, names)}
    )


def is_chosen(selector: Selector, at: str, account: str, post: str | None) -> Expression:
    """Return whether a document is one of a campaign of a selector, True if the selector names no campaign.

    The arguments are the paths of its instant, its account, and its post; a number of an account has no post.
    """
    if not selector.campaigns:
        return True
    return {"$or": [_all_of(one.span, one.account_ids, one.post_ids, at, account, post)
                    for one in selector.chosen or ()]}  # fmt: skip


def _all_of(
    span: tuple[datetime, datetime],
    account_ids: frozenset[str] | None,
    post_ids: frozenset[str] | None,
    at: str,
    account: str,
    post: str | None,
) -> Expression:
    tests: list[Any] = [{"$gte": [at, span[0]]}, {"$lt": [at, span[1]]}]
    if post_ids is not None and post is not None:
        tests.append({"$in": [post, sorted(post_ids)]})
    elif account_ids is not None:
        tests.append({"$in": [account, sorted(account_ids)]})
    return {"$and": tests}
