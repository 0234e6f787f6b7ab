"""Evaluation of own metrics when they are read, over the stored rollups of subjects.

Everything is added first, and the formula is applied last and once. So the value of a workspace is never a sum or a
mean of the values of its accounts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from metrics.aggregation.stored_periods import StoredPeriods
from metrics.definitions.campaign_days import with_campaigns
from metrics.definitions.folding import Cell, Folding
from metrics.definitions.language.forms import Form
from metrics.definitions.offers import Group, takes_any
from metrics.definitions.reading import TYPES, read_rows
from metrics.definitions.scope import GroupLabel, Scope, Value
from metrics.documents import Platform
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
    periods: StoredPeriods | None = None,
) -> list[Value]:
    """Return the value of a formula over each span, for each group, in one aggregation; by span, then by group.

    The arguments are those of `Evaluation`. Each group has a value, or a reason, for every span. Groups by
    `contentType` and `metricType` are those of which a post was observed in any span.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if not spans:
        return []
    form = with_campaigns(store, form, scope.workspace_id)
    inside = [account for account in accounts if scope.takes(account)]
    if not {"platform", "account"} & set(group_by):
        inside = may_mix([one for one in inside if takes_any(form, one)], without_consent) or inside
    by_types = [label for label in group_by if label in TYPES]
    found = Evaluation(store, form, scope, spans, inside, by_types, without_consent, periods)
    groups = found.groups(group_by) if group_by else [Group({}, tuple(inside))]
    return [found.value(number, group.labels, group.accounts) for number in range(len(spans)) for group in groups]


def may_mix(accounts: Sequence[Connection], without_consent: Collection[Platform]) -> list[Connection]:
    """Return the accounts without those whose platform's terms forbid to mix them with the others."""
    mixed = len({account.platform for account in accounts}) > 1
    return [account for account in accounts if not (mixed and account.platform in without_consent)]


class Evaluation:
    """What a formula reads over some spans: from it follow the values of any accounts and types of posts.

    `spans` are any instants: the rollup of a day belongs to a span in which the day begins. `accounts` are those of the
    workspace, as `store.accounts.connections` returns them. `by_types` are the labels of posts, `contentType` and
    `metricType`, by which groups may be made. Where accounts of several platforms are mixed, those of
    `without_consent` are left out. `periods` are the weeks and months to read in place of their days; without them,
    all that can be.
    """

    def __init__(
        self,
        store: Store,
        form: Form,
        scope: Scope,
        spans: Sequence[Span],
        accounts: Iterable[Connection],
        by_types: Sequence[GroupLabel] = (),
        without_consent: Collection[Platform] = (),
        periods: StoredPeriods | None = None,
    ) -> None:
        """Read the rows of all spans in one aggregation.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        form = with_campaigns(store, form, scope.workspace_id)
        self._form, self._scope, self._spans, self._by_types = form, scope, spans, by_types
        self._without_consent = without_consent
        inside = [account for account in accounts if scope.takes(account)]
        self._taken = {account.account_id: account for account in inside if takes_any(form, account)}
        self._cells: list[defaultdict[Types, Cell]] = [defaultdict(Cell) for _ in spans]
        self._observed: set[tuple[str, Types]] = set()
        self._foldings: dict[tuple[tuple[str, str], ...], dict[tuple[str, ...], Folding]] = defaultdict(dict)
        self._merged: dict[tuple[int, tuple[str | None, ...]], Cell] = {}
        if self._taken and spans:
            self._read(store, periods or StoredPeriods.read(store, scope.workspace_id, spans, self._taken.values()))

    def _read(self, store: Store, periods: StoredPeriods) -> None:
        ids = sorted(self._taken)
        for row in read_rows(store, self._form, self._scope, self._spans, ids, self._by_types, periods):
            if self._taken[row.account_id].expected(*self._spans[row.span]):
                types = tuple(row.types[label] for label in self._by_types if label in row.types)
                self._cells[row.span][types].add(row)
                if row.source != "account":
                    self._observed.add((row.account_id, types))

    def value(self, number: int, labels: Mapping[str, str], accounts: Iterable[Connection]) -> Value:
        """Return the value over the span with this number, for some accounts and the types of posts in `labels`."""
        inside = [one for one in accounts if self._scope.takes(one)]
        taken = [one for one in inside if one.account_id in self._taken]
        allowed = may_mix(taken, self._without_consent)
        if not allowed:
            return Value(number, labels, reason="terms" if taken else "not_supported" if inside else "no_observation")
        own = self._cell(number, tuple(labels.get(label) for label in self._by_types))
        folding = self._folding(labels, tuple(allowed))
        return folding.value(number, self._spans[number], own, self._cells[number][()])

    def left_out(self, accounts: Iterable[Connection]) -> set[Platform]:
        """Return the platforms that a value over these accounts leaves out because of their terms."""
        taken = [one for one in accounts if one.account_id in self._taken]
        return {one.platform for one in taken} - {one.platform for one in may_mix(taken, self._without_consent)}

    def groups(self, group_by: Sequence[GroupLabel]) -> list[Group]:
        """Return the groups by some labels, sorted; those of posts must be among `by_types`."""
        by_types = [label for label in group_by if label in TYPES]
        accounts = self._taken.values()
        if not by_types:
            pairs: Iterable[tuple[str, Types]] = [(account.account_id, ()) for account in accounts]
        elif any(term.is_of_posts for term in self._form.terms):
            pairs = self._observed
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

    def _cell(self, number: int, types: tuple[str | None, ...]) -> Cell:
        """Return the rows of the posts of some types; None stands for all types of a label."""
        cells = self._cells[number]
        if None not in types:
            return cells[tuple(one for one in types if one is not None)]
        if (number, types) not in self._merged:
            merged = self._merged[number, types] = Cell()
            for found, cell in cells.items():
                if found and all(wanted in (None, one) for wanted, one in zip(types, found, strict=True)):
                    merged.join(cell)
        return self._merged[number, types]

    def _folding(self, labels: Mapping[str, str], accounts: tuple[Connection, ...]) -> Folding:
        known = self._foldings[tuple(labels.items())]
        key = tuple(account.account_id for account in accounts)
        if key not in known:
            known[key] = Folding(self._form, self._scope, Group(labels, accounts))
        return known[key]


def _own_labels(account: Connection, group_by: Sequence[GroupLabel]) -> dict[str, str]:
    labels = {"platform": account.platform, "account": account.account_id}
    return {name: value for name, value in labels.items() if name in group_by}
