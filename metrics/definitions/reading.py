"""The one aggregation that reads everything a formula needs over all spans."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metrics.aggregation.stored_periods import StoredPeriods
from metrics.definitions.account_stages import account_numbers, published_posts
from metrics.definitions.language.forms import Form
from metrics.definitions.post_stages import entering, sums_per_account, sums_per_post
from metrics.definitions.scope import Scope
from metrics.definitions.spans import Timeline
from metrics.documents import Document
from metrics.expected import Span
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.rollup.rollups import answering_for

Source = Literal["posts", "account", "published"]
TYPES = ("contentType", "metricType")


@dataclass(frozen=True, slots=True)
class Row:
    """The sums of the posts of one account (and group), the numbers of the account, or how many posts it published."""

    source: Source
    account_id: str
    span: int
    types: Mapping[str, str]
    fields: Mapping[str, Any]


def read_rows(
    store: Store,
    form: Form,
    scope: Scope,
    spans: Sequence[Span],
    account_ids: Sequence[str],
    by_types: Sequence[str],
    periods: StoredPeriods,
) -> Iterator[Row]:
    """Yield the rows of all spans for these accounts. `by_types` are the labels of posts to group by.

    `periods` are the weeks and months that are read in place of their days.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    timeline = Timeline(spans)
    if any(term.function == "unique" or term.selector.campaigns for term in form.terms):
        periods = StoredPeriods()
    rollups: Document = {
        "workspaceId": scope.workspace_id,
        "$and": [timeline.periods(periods), answering_for(scope.calendar.version)],
    }
    parts = list(_parts(form, scope, timeline, list(account_ids), by_types, rollups, store.rollups.subjects.name))
    (_, stages), *others = parts
    pipeline = [*stages]
    for collection, further in others:
        pipeline.append({"$unionWith": {"coll": collection, "pipeline": further}})
    with mongo_errors():
        for row in store.rollups.aggregate_subjects(pipeline):
            key = row["_id"]
            types = {name: key[name] for name in by_types if name in key}
            yield Row(row["source"], key["account"], key.get("span", 0), types, row)


def _parts(
    form: Form,
    scope: Scope,
    timeline: Timeline,
    account_ids: list[str],
    by_types: Sequence[str],
    rollups: Document,
    collection: str,
) -> Iterator[tuple[str, list[Document]]]:
    """Yield the collection and the stages of each source; the first one is always of `rollups` in `collection`."""
    numbered = list(enumerate(form.terms))
    of_posts = [number for number, term in numbered if term.subject == "post"]
    published = [(number, term) for number, term in numbered if term.function == "published"]
    if of_posts:
        match = {**rollups, "accountId": {"$in": account_ids}, "metricType": {"$ne": "account"}} | _posts(scope)
        if scope.post_id is not None:
            match["subjectId"] = scope.post_id
        elif scope.post_ids is not None:
            match["subjectId"] = {"$in": sorted(scope.post_ids)}
        stages = [
            {"$match": match},
            *sums_per_post([form.terms[number] for number in of_posts], timeline, by_types),
            *entering(form, of_posts),
            *sums_per_account(form, of_posts, by_types),
        ]
        yield collection, [*stages, {"$set": {"source": "posts"}}]
    of_accounts = [term for _, term in numbered if term.subject == "account"]
    if of_accounts:
        match = {**rollups, "subjectId": {"$in": account_ids}}
        yield collection, [{"$match": match}, *account_numbers(of_accounts, timeline), {"$set": {"source": "account"}}]
    if published:
        match = {
            "workspaceId": scope.workspace_id,
            "accountId": {"$in": account_ids},
            "sameAs": {"$exists": False},
            **timeline.match("publishedAt"),
            **_posts(scope),
        }
        if scope.post_id is not None:
            match["_id"] = scope.post_id
        elif scope.post_ids is not None:
            match["_id"] = {"$in": sorted(scope.post_ids)}
        yield (
            "posts",
            [
                {"$match": match},
                *published_posts(published, timeline, by_types),
                {"$set": {"source": "published"}},
            ],
        )


def _posts(scope: Scope) -> Document:
    if scope.content_type is None:
        return {}
    # A post without a content type counts as `other`.
    wanted: Any = {"$in": ["other", None]} if scope.content_type == "other" else scope.content_type
    return {"contentType": wanted}
