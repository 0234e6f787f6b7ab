"""From the sums of accounts to the value of one group over one span: the formula is applied here, once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from metrics.definitions.account_values import Exact, Fields, account_value, exact, is_own_span
from metrics.definitions.language.forms import Form, Linear, Term, whole_factors
from metrics.definitions.offers import Group, applies, changes, is_supported, is_within
from metrics.definitions.reading import TYPES, Row
from metrics.definitions.scope import Number, Parts, Scope, Value
from metrics.documents import Platform, Reason
from metrics.expected import Connection, Span

_OF_ONE_ACCOUNT = ("unique", "min", "max")
"""Functions whose values add up over no accounts: people, and extremes that accounts reach at different times."""


@dataclass(slots=True)
class Cell:
    """The rows of one span and group, by source and account."""

    posts: dict[str, Fields] = field(default_factory=dict)
    account: dict[str, Fields] = field(default_factory=dict)
    published: dict[str, Fields] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Add a row."""
        getattr(self, row.source)[row.account_id] = row.fields

    def join(self, other: "Cell") -> None:
        """Add the rows of other posts of the same span; numbers of accounts are in no cell of posts."""
        for mine, theirs in ((self.posts, other.posts), (self.published, other.published)):
            for account_id, fields in theirs.items():
                known = mine.get(account_id, {})
                sums = {name: value for name, value in fields.items() if name not in ("_id", "source")}
                mine[account_id] = {name: value + known.get(name, 0) for name, value in sums.items()}


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by number of term over the subjects that entered, and how many did.

    `missing` are the accounts that lack a number.
    """

    by_term: Mapping[int, Exact]
    measured: int
    missing: tuple[str, ...] = ()


class _Side:
    """A linear form over numbers of terms, with whole factors: they are `scale` times those of the formula."""

    def __init__(self, side: Linear, numbers: Mapping[Term, int]) -> None:
        factors, self.scale = whole_factors(side)
        self.factors = [(numbers[term], factor) for term, factor in factors.items()]
        self.numbers = frozenset(number for number, _ in self.factors)

    def apply(self, sums: Mapping[int, Exact]) -> Exact:
        """Return the form of these sums times `scale`; terms without a sum count 0."""
        return sum(factor * sums[number] for number, factor in self.factors if number in sums)


class Folding:
    """Evaluates a formula for one group. What does not depend on the span is found out once."""

    def __init__(self, form: Form, scope: Scope, group: Group) -> None:
        self._group, self._calendar = group, scope.calendar
        self._terms = form.terms
        self._constant = form.constant
        self._pairs_posts = form.pairs_posts
        numbers = {term: number for number, term in enumerate(form.terms)}
        self._over = _Side(form.over, numbers)
        self._under = None if form.under is None else _Side(form.under, numbers)
        self._terms_of = {
            account.account_id: [n for n, term in enumerate(form.terms) if applies(term, account, group, scope)]
            for account in group.accounts
        }
        self._of_posts = frozenset(number for number, term in enumerate(form.terms) if term.subject == "post")
        pairs = {(number, one.platform) for one in group.accounts for number in self._terms_of[one.account_id]}
        self._unsupported = {(n, p) for n, p in pairs if not is_supported(form.terms[n], p, group, scope)}
        self._changes = {(n, p): days for n, p in pairs if (days := changes(form.terms[n], p))}
        types = [label for name, label in group.labels.items() if name in TYPES and label != "account"]
        posts_only = bool(types) or any(one is not None for one in (scope.content_type, scope.post_id, scope.post_ids))
        self._impossible = posts_only and not any(term.is_of_posts for term in form.terms)

    def value(self, number: int, span: Span, own: Cell, whole: Cell) -> Value:
        """Return the value over the span with this number, or the reason why there is none.

        `own` has the rows of the group's posts, `whole` those of accounts, which are not grouped by kinds of posts.
        """
        accounts = [account for account in self._group.accounts if account.expected(*span)]
        found = self._reason(accounts, span) or self._sums(accounts, span, own, whole)
        if not isinstance(found, _Sums):
            return Value(number, self._group.labels, reason=found)
        over = Fraction(self._over.apply(found.by_term)) / self._over.scale
        if self._under is None:
            parts = Parts(_number(over), None, found.measured)
            return Value(number, self._group.labels, _number(over), parts, missing=found.missing)
        under = Fraction(self._under.apply(found.by_term)) / self._under.scale
        parts = Parts(_number(over), _number(under), found.measured)
        return Value(number, self._group.labels, _number(self._constant * over / under), parts, missing=found.missing)

    def _reason(self, accounts: list[Connection], span: Span) -> Reason | None:
        """Return why the group cannot have a value over a span, whatever was observed."""
        if not accounts:
            return "no_observation"
        present = {number for one in accounts for number in self._terms_of[one.account_id]}
        if not present & self._over.numbers or (self._under is not None and not present & self._under.numbers):
            return "not_supported"
        if self._impossible or any(pair in self._unsupported for pair in self._pairs(accounts)):
            return "not_supported"
        if self._changes and any(self._is_redefined(*pair, span) for pair in self._pairs(accounts)):
            return "definition_changed"
        for number in present:
            term = self._terms[number]
            if term.function in _OF_ONE_ACCOUNT:
                selected = sum(number in self._terms_of[one.account_id] for one in accounts)
                if selected > 1 or not is_own_span(term, span):
                    return "not_additive"
        return None

    def _pairs(self, accounts: Iterable[Connection]) -> Iterator[tuple[int, Platform]]:
        return ((number, one.platform) for one in accounts for number in self._terms_of[one.account_id])

    def _is_redefined(self, number: int, platform: Platform, span: Span) -> bool:
        days = self._changes.get((number, platform), ())
        return any(is_within(day, self._terms[number], span, self._calendar) for day in days)

    def _sums(self, accounts: list[Connection], span: Span, own: Cell, whole: Cell) -> _Sums | Reason:
        if self._pairs_posts:
            found = self._paired_posts(accounts, own)
        elif self._under is not None:
            found = self._paired_accounts(accounts, span, own, whole)
        else:
            found = self._linear(accounts, span, own, whole)
        if isinstance(found, _Sums) and self._adds_people(accounts, own):
            return "not_additive"
        return found

    def _adds_people(self, accounts: Iterable[Connection], own: Cell) -> bool:
        """Tell whether people who saw several posts would be added."""
        names = [f"known_{number}" for number in self._of_posts if self._terms[number].is_people]
        rows = [own.posts[one.account_id] for one in accounts if one.account_id in own.posts] if names else []
        return any(sum(row[name] for row in rows) > 1 for name in names)

    def _paired_posts(self, accounts: Iterable[Connection], own: Cell) -> _Sums | Reason:
        rows = [own.posts[one.account_id] for one in accounts if one.account_id in own.posts]
        measured, zero = (sum(row[name] for row in rows) for name in ("enter", "zero"))
        if not measured:
            return _nothing(zero)
        sums: dict[int, Exact] = {}
        for number in self._of_posts:
            values = [exact(row[f"sum_{number}"]) for row in rows]
            known = [value for value in values if value is not None]
            if len(known) < len(values):
                return "no_observation"
            sums[number] = sum(known)
        return _Sums(sums, measured)

    def _linear(self, accounts: Iterable[Connection], span: Span, own: Cell, whole: Cell) -> _Sums | Reason:
        values = [(one.account_id, self._values(one, span, own, whole)) for one in accounts]
        sums: dict[int, Exact] = {}
        for number in dict.fromkeys(number for _, found in values for number in found):
            known = [value for _, found in values if (value := found.get(number)) is not None]
            if not known:
                return "no_observation"
            sums[number] = sum(known)
        entered = [name for name, found in values if any(value is not None for value in found.values())]
        if len(self._of_posts) == len(self._terms):
            return _Sums(sums, sum(own.posts[name]["enter"] for name in entered))
        return _Sums(sums, len(entered), tuple(name for name, found in values if self._lacks_own(found)))

    def _paired_accounts(self, accounts: Iterable[Connection], span: Span, own: Cell, whole: Cell) -> _Sums | Reason:
        """Return the sums over the accounts of which every term is known, and whose basis is above 0."""
        assert self._under is not None  # noqa: S101 - told to mypy
        sums: dict[int, Exact] = dict.fromkeys(range(len(self._terms)), 0)
        measured, zero, missing = 0, 0, list[str]()
        for account in accounts:
            values = self._values(account, span, own, whole)
            known = {number: value for number, value in values.items() if value is not None}
            if self._under.numbers.isdisjoint(values):
                continue
            if len(known) < len(values):
                missing += [account.account_id] if self._lacks_own(values) else []
            elif self._under.apply(known) <= 0:
                zero += 1
            else:
                measured += 1
                for number, value in known.items():
                    sums[number] += value
        return _Sums(sums, measured, tuple(missing)) if measured else _nothing(zero)

    def _values(self, account: Connection, span: Span, own: Cell, whole: Cell) -> dict[int, Exact | None]:
        """Return the value of each term that applies to an account; None where it is unknown."""
        posts, numbers = own.posts.get(account.account_id), whole.account.get(account.account_id)
        published = own.published.get(account.account_id, {})
        return {
            number: self._sum_of_posts(number, posts)
            if number in self._of_posts
            else account_value(self._terms[number], number, account.platform, span, numbers, published)
            for number in self._terms_of[account.account_id]
        }

    def _sum_of_posts(self, number: int, row: Fields | None) -> Exact | None:
        """Return the sum over the posts of an account. In a ratio it is 0 if only posts entered that the term omits."""
        if row is None or not row["enter"] or (self._under is None and not row[f"known_{number}"]):
            return None
        return exact(row[f"sum_{number}"])

    def _lacks_own(self, values: Mapping[int, Any]) -> bool:
        """Tell whether a number of the account itself is unknown. An account without posts has nothing to add."""
        return any(value is None for number, value in values.items() if number not in self._of_posts)


def _nothing(zero: int) -> Literal["zero_basis", "no_observation"]:
    return "zero_basis" if zero else "no_observation"


def _number(value: Fraction) -> Number:
    return value.numerator if value.denominator == 1 else float(value)
