"""Evaluation of own metrics when they are read, over the stored daily rollups of subjects.

Everything is added first, and the formula is applied last and once. So the value of a workspace is never a sum or a
mean of the values of its accounts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from metrics.definitions.folding import Cell, Folding
from metrics.definitions.language.forms import Form
from metrics.definitions.offers import Group, takes_any
from metrics.definitions.reading import TYPES, read_rows
from metrics.definitions.scope import GroupLabel, Scope, Value
from metrics.documents import Platform, Reason
from metrics.expected import Connection, Span
from metrics.store import Store

Types = tuple[str, ...]
"""The values of the labels of posts that are grouped by, in their order."""


def evaluate(
    store: Store,
    form: Form,
    scope: Scope,
    spans: Sequence[Span],
    accounts: Iterable[Connection],
    *,
    group_by: Sequence[GroupLabel] = (),
    without_consent: Collection[Platform] = (),
) -> list[Value]:
    """Return the value of a formula over each span, for each group, in one aggregation; by span, then by group.

    `spans` are any instants: the rollup of a day belongs to a span in which the day begins. `accounts` are those of the
    workspace, as `store.accounts.connections` returns them. Each group has a value, or a reason, for every span. Groups
    by `contentType` and `metricType` are those of which a post was observed in any span. Where accounts of several
    platforms are mixed, those of `without_consent` are left out, with the reason `terms` if none is left.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if not spans:
        return []
    inside = [account for account in accounts if scope.takes(account)]
    taken = [account for account in inside if takes_any(form, account)]
    allowed = {account.account_id: account for account in _allowed(taken, group_by, without_consent)}
    if not allowed:
        reason: Reason = "terms" if taken else "not_supported" if inside else "no_observation"
        return [] if group_by else [Value(number, {}, reason=reason) for number in range(len(spans))]
    by_types = [label for label in group_by if label in TYPES]
    cells: defaultdict[tuple[int, Types], Cell] = defaultdict(Cell)
    observed: set[tuple[str, Types]] = set()
    for row in read_rows(store, form, scope, spans, sorted(allowed), by_types):
        if allowed[row.account_id].expected(*spans[row.span]):
            types = tuple(row.types[label] for label in by_types if label in row.types)
            cells[row.span, types].add(row)
            if row.source != "account":
                observed.add((row.account_id, types))
    groups = _groups(form, allowed.values(), group_by, observed)
    foldings = [(Folding(form, scope, group), tuple(group.labels[label] for label in by_types)) for group in groups]
    return [
        folding.value(number, span, cells[number, types], cells[number, ()])
        for number, span in enumerate(spans)
        for folding, types in foldings
    ]


def _allowed(
    taken: Sequence[Connection], group_by: Sequence[GroupLabel], without_consent: Collection[Platform]
) -> list[Connection]:
    """Return the accounts without those that the terms of their platform forbid to mix with others."""
    mixed = len({account.platform for account in taken}) > 1 and not {"platform", "account"} & set(group_by)
    return [account for account in taken if not (mixed and account.platform in without_consent)]


def _groups(
    form: Form,
    accounts: Collection[Connection],
    group_by: Sequence[GroupLabel],
    observed: Collection[tuple[str, Types]],
) -> list[Group]:
    """Return the groups, sorted by their labels; `observed` has the types of the posts of each account."""
    by_types = [label for label in group_by if label in TYPES]
    if not by_types:
        pairs: Iterable[tuple[str, Types]] = [(account.account_id, ()) for account in accounts]
    elif any(term.is_of_posts for term in form.terms):
        pairs = observed
    else:
        pairs = [(account.account_id, ("account",)) for account in accounts] if by_types == ["metricType"] else []
    own = {account.account_id: _own_labels(account, group_by) for account in accounts}
    members: defaultdict[Types, list[Connection]] = defaultdict(list)
    for account in accounts:
        members[tuple(own[account.account_id].values())].append(account)
    found: dict[Types, Group] = {}
    for account_id, types in pairs:
        of_posts = dict(zip(by_types, types, strict=True))
        labels: dict[str, str] = {str(label): (own[account_id] | of_posts)[label] for label in group_by}
        found[tuple(labels.values())] = Group(labels, tuple(members[tuple(own[account_id].values())]))
    return [group for _, group in sorted(found.items(), key=lambda pair: pair[0])]


def _own_labels(account: Connection, group_by: Sequence[GroupLabel]) -> dict[str, str]:
    labels = {"platform": account.platform, "account": account.account_id}
    return {name: value for name, value in labels.items() if name in group_by}
