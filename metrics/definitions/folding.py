"""From the sums of accounts to the value of one group over one span: the formula is applied here, once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from metrics.definitions.account_values import Fields, account_value, exact, is_own_span
from metrics.definitions.forms import Form, Linear, Term
from metrics.definitions.offers import Group, applies, changes, is_supported, is_within
from metrics.definitions.reading import Row
from metrics.definitions.scope import Number, Parts, Scope, Value
from metrics.documents import Reason
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


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by term over the subjects that entered, and how many did; `missing` are the accounts that lack a number."""

    by_term: Mapping[Term, Fraction]
    measured: int
    missing: tuple[str, ...] = ()


class Folding:
    """Evaluates a formula for one group. What does not depend on the span is found out once."""

    def __init__(self, form: Form, scope: Scope, group: Group) -> None:
        self._form = form
        self._group = group
        self._numbers = {term: number for number, term in enumerate(form.terms)}
        self._terms_of = {
            account.account_id: [term for term in form.terms if applies(term, account, group, scope)]
            for account in group.accounts
        }
        pairs = {(term, one.platform) for one in group.accounts for term in self._terms_of[one.account_id]}
        self._unsupported = {pair for pair in pairs if not is_supported(*pair, group, scope)}
        self._changes = {pair: days for pair in pairs if (days := changes(*pair))}
        posts_only = scope.content_type is not None or scope.post_id is not None
        self._impossible = posts_only and not any(term.is_of_posts for term in form.terms)

    def value(self, number: int, span: Span, own: Cell, whole: Cell) -> Value:
        """Return the value over the span with this number, or the reason why there is none.

        `own` has the rows of the group's posts, `whole` those of accounts, which are not grouped by kinds of posts.
        """
        accounts = [account for account in self._group.accounts if account.expected(*span)]
        found = self._reason(accounts, span) or self._sums(accounts, span, own, whole)
        if not isinstance(found, _Sums):
            return Value(number, self._group.labels, reason=found)
        over = _apply(self._form.over, found.by_term)
        under = _apply(self._form.under, found.by_term) if self._form.under is not None else None
        value = self._form.constant * (over if under is None else over / under)
        parts = Parts(_number(over), None if under is None else _number(under), found.measured)
        return Value(number, self._group.labels, _number(value), parts, missing=found.missing)

    def _reason(self, accounts: list[Connection], span: Span) -> Reason | None:
        """Return why the group cannot have a value over a span, whatever was observed."""
        if not accounts:
            return "no_observation"
        pairs = {(term, one.platform) for one in accounts for term in self._terms_of[one.account_id]}
        present = {term for term, _ in pairs}
        for side in (self._form.over, self._form.under):
            if side is not None and not any(one.term in present for one in side.summands):
                return "not_supported"
        if self._impossible or pairs & self._unsupported:
            return "not_supported"
        for pair in pairs & self._changes.keys():
            if any(is_within(day, pair[0], span) for day in self._changes[pair]):
                return "definition_changed"
        for term in present:
            selected = sum(term in self._terms_of[one.account_id] for one in accounts)
            if term.function in _OF_ONE_ACCOUNT and (selected > 1 or not is_own_span(term, span)):
                return "not_additive"
        return None

    def _sums(self, accounts: list[Connection], span: Span, own: Cell, whole: Cell) -> _Sums | Reason:
        if self._form.pairs_posts:
            found = self._paired_posts(accounts, own)
        elif self._form.under is not None:
            found = self._paired_accounts(accounts, span, own, whole)
        else:
            found = self._linear(accounts, span, own, whole)
        if isinstance(found, _Sums) and self._adds_people(accounts, own):
            return "not_additive"
        return found

    def _adds_people(self, accounts: Iterable[Connection], own: Cell) -> bool:
        """Tell whether people who saw several posts would be added."""
        names = [
            f"known_{number}" for term, number in self._numbers.items() if term.subject == "post" and term.is_people
        ]
        rows = [own.posts[one.account_id] for one in accounts if one.account_id in own.posts]
        return any(sum(row[name] for row in rows) > 1 for name in names)

    def _paired_posts(self, accounts: Iterable[Connection], own: Cell) -> _Sums | Reason:
        rows = [own.posts[one.account_id] for one in accounts if one.account_id in own.posts]
        measured, zero = (sum(row[name] for row in rows) for name in ("enter", "zero"))
        if not measured:
            return _nothing(zero)
        return _Sums({term: _total(row[f"sum_{n}"] for row in rows) for term, n in self._numbers.items()}, measured)

    def _linear(self, accounts: Iterable[Connection], span: Span, own: Cell, whole: Cell) -> _Sums | Reason:
        values = [(one, self._values(one, span, own, whole)) for one in accounts]
        sums: dict[Term, Fraction] = {}
        for term in dict.fromkeys(term for _, found in values for term in found):
            known = [value for _, found in values if (value := found.get(term)) is not None]
            if not known:
                return "no_observation"
            sums[term] = _total(known)
        entered = [one.account_id for one, found in values if any(value is not None for value in found.values())]
        if all(term.subject == "post" for term in self._form.terms):
            return _Sums(sums, sum(own.posts[name]["enter"] for name in entered))
        lacking = tuple(one.account_id for one, found in values if _lacks_own(found))
        return _Sums(sums, len(entered), lacking)

    def _paired_accounts(self, accounts: Iterable[Connection], span: Span, own: Cell, whole: Cell) -> _Sums | Reason:
        """Return the sums over the accounts of which every term is known, and whose basis is above 0."""
        assert self._form.under is not None  # noqa: S101 - told to mypy
        basis = {one.term for one in self._form.under.summands}
        sums = dict.fromkeys(self._form.terms, Fraction(0))
        measured, zero, missing = 0, 0, list[str]()
        for account in accounts:
            values = self._values(account, span, own, whole)
            known = {term: value for term, value in values.items() if value is not None}
            if not basis & values.keys():
                continue
            if len(known) < len(values):
                missing += [account.account_id] if _lacks_own(values) else []
            elif _apply(self._form.under, known) <= 0:
                zero += 1
            else:
                measured += 1
                for term, value in known.items():
                    sums[term] += value
        return _Sums(sums, measured, tuple(missing)) if measured else _nothing(zero)

    def _values(self, account: Connection, span: Span, own: Cell, whole: Cell) -> dict[Term, Fraction | None]:
        """Return the value of each term that applies to an account; None where it is unknown."""
        posts, numbers = own.posts.get(account.account_id), whole.account.get(account.account_id)
        published = own.published.get(account.account_id, {})
        return {
            term: self._of_posts(number, posts)
            if term.subject == "post"
            else account_value(term, number, account.platform, span, numbers, published)
            for term in self._terms_of[account.account_id]
            for number in (self._numbers[term],)
        }

    def _of_posts(self, number: int, row: Fields | None) -> Fraction | None:
        """Return the sum over the posts of an account. In a ratio it is 0 if only posts entered that the term omits."""
        if row is None or not row["enter"] or (self._form.under is None and not row[f"known_{number}"]):
            return None
        return exact(row[f"sum_{number}"])


def _nothing(zero: int) -> Literal["zero_basis", "no_observation"]:
    return "zero_basis" if zero else "no_observation"


def _lacks_own(values: Mapping[Term, Any]) -> bool:
    """Tell whether a number of the account itself is unknown. An account without posts has nothing to add."""
    return any(value is None for term, value in values.items() if term.subject == "account")


def _total(values: Iterable[Any]) -> Fraction:
    return sum((Fraction(value) for value in values), Fraction(0))


def _apply(side: Linear, sums: Mapping[Term, Fraction]) -> Fraction:
    return sum((one.factor * sums[one.term] for one in side.summands if one.term in sums), Fraction(0))


def _number(value: Fraction) -> Number:
    return value.numerator if value.denominator == 1 else float(value)
