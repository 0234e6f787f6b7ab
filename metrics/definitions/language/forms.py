"""Normal forms of formulas: terms, linear forms, and a constant times one linear form over another."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from hashlib import sha256
from math import lcm
from typing import Literal

from metrics.campaigns.chosen import Chosen
from metrics.catalog import CATALOG, Subject, Unit
from metrics.documents import ContentType, MetricType, Platform
from metrics.platforms.registry import FACTS

PostKind = tuple[Platform, MetricType, ContentType]
Function = Literal["net", "total", "open", "close", "avg", "min", "max", "unique", "published"]
"""How a subject's value over a period is taken from its rollups. `net`: the change of a counter. `total`: the sum of
the provider's days. `open` to `max`: those of a level. `unique`: the provider's own number of people for its own span.
`published`: the number of posts that the account published in the period."""

POST_COUNT = "postCount"


@cache
def post_kinds() -> tuple[PostKind, ...]:
    """Return every kind of post that a platform has."""
    return tuple(
        (platform, metric_type, content_type)
        for platform, facts in FACTS.items()
        for metric_type, content_types in facts.kinds.items()
        for content_type in content_types
    )


@dataclass(frozen=True, slots=True)
class Selector:
    """The subjects that a term selects, by label; an empty label selects all."""

    platforms: tuple[Platform, ...] = ()
    accounts: tuple[str, ...] = ()
    content_types: tuple[ContentType, ...] = ()
    metric_types: tuple[MetricType, ...] = ()
    campaigns: tuple[str, ...] = ()
    chosen: tuple[Chosen, ...] | None = None
    """What the campaigns select, once they were looked up for an evaluation; a campaign that is gone is missing."""

    def takes_account(self, account_id: str, platform: Platform) -> bool:
        """Tell whether the labels `platform`, `account` and `campaign` select an account."""
        return (
            (not self.platforms or platform in self.platforms)
            and (not self.accounts or account_id in self.accounts)
            and (self.chosen is None or any(one.takes_account(account_id) for one in self.chosen))
        )

    @property
    def suffix(self) -> str:
        """What tells the fields of sums over the days of these campaigns from sums over all days; empty for all."""
        return "" if not self.campaigns else "_" + sha256("|".join(self.campaigns).encode()).hexdigest()[:12]

    def takes_kind(self, kind: PostKind) -> bool:
        """Tell whether the labels `platform`, `metricType` and `contentType` select a kind of post."""
        platform, metric_type, content_type = kind
        return (
            (not self.platforms or platform in self.platforms)
            and (not self.metric_types or metric_type in self.metric_types)
            and (not self.content_types or content_type in self.content_types)
        )

    def __str__(self) -> str:
        labels = {
            "platform": self.platforms,
            "account": self.accounts,
            "contentType": self.content_types,
            "metricType": self.metric_types,
            "campaign": self.campaigns,
        }
        text = "; ".join(f"{name}={','.join(values)}" for name, values in labels.items() if values)
        return f"{{{text}}}" if text else ""


@dataclass(frozen=True, slots=True)
class Term:
    """A number of posts or of accounts that is known or unknown for each subject.

    `metrics` has one metric, or those of `offered(…)`: then a subject's value is the sum over the metrics that its
    platform offers for its kind, and known only if each of these is known.
    """

    subject: Subject
    metrics: tuple[str, ...]
    function: Function
    selector: Selector
    offered: bool = False

    @property
    def name(self) -> str:
        """The name of the metric; of the first one for `offered(…)`."""
        return self.metrics[0]

    @property
    def is_of_posts(self) -> bool:
        """True if the labels of posts select what is counted."""
        return self.subject == "post" or self.function == "published"

    @property
    def unit(self) -> Unit:
        """The unit of the values."""
        return "count" if self.function == "published" else CATALOG[self.subject, self.name].unit

    @property
    def is_people(self) -> bool:
        """True if the values are people whom the platform counts once: they never add up over subjects."""
        return self.function != "published" and not CATALOG[self.subject, self.name].adds_over_subjects

    def metrics_on(self, kind: PostKind | Platform) -> tuple[str, ...]:
        """Return the metrics of the term that a kind of post, or the accounts of a platform, can have."""
        if self.function == "published":
            return self.metrics
        return tuple(name for name in self.metrics if self._has(name, kind))

    def _has(self, name: str, kind: PostKind | Platform) -> bool:
        platform = kind if isinstance(kind, str) else kind[0]
        offer = CATALOG[self.subject, name].offers.get(platform)
        if offer is None or (self.offered and offer.further):
            return False
        return isinstance(kind, str) or offer.covers(kind[1], kind[2])

    def selected_kinds(self) -> Iterator[PostKind]:
        """Yield the kinds of posts that the labels select."""
        return (kind for kind in post_kinds() if self.selector.takes_kind(kind))

    def __str__(self) -> str:
        if self.offered:
            return f"offered({' + '.join(self.metrics)}){self.selector}"
        shown = f"account.{self.name}" if self._is_ambiguous() else self.name
        shown += str(self.selector)
        return shown if self.function in ("net", "total", "published") else f"{self.function}({shown})"

    def _is_ambiguous(self) -> bool:
        return self.subject == "account" and ("post", self.name) in CATALOG


@dataclass(frozen=True, slots=True)
class Summand:
    """A term with its factor, and the position at which it stands."""

    term: Term
    factor: Fraction
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of terms of one unit with constant factors; each term occurs once, and no factor is 0."""

    summands: tuple[Summand, ...]

    @property
    def unit(self) -> Unit:
        """The unit that all terms have."""
        return self.summands[0].term.unit

    def times(self, factor: Fraction) -> "Linear":
        """Return the form with each factor multiplied."""
        return Linear(tuple(Summand(one.term, one.factor * factor, one.at) for one in self.summands))

    def plus(self, other: "Linear") -> "Linear":
        """Return the sum of two forms of one unit, which is empty if all terms cancel each other."""
        found: dict[Term, Summand] = {one.term: one for one in self.summands}
        for one in other.summands:
            before = found.get(one.term)
            found[one.term] = one if before is None else Summand(one.term, before.factor + one.factor, before.at)
        return Linear(tuple(one for one in found.values() if one.factor))

    def as_operand(self) -> str:
        """Return the text of the form as one side of a division."""
        return f"({self})" if len(self.summands) > 1 or self.summands[0].factor != 1 else str(self)

    def __str__(self) -> str:
        return written((str(one.term), one.factor) for one in self.summands)


@dataclass(frozen=True, slots=True)
class Form:
    """The normal form of a formula: `constant * over / under`, or the linear form `over` alone.

    `percent` says that the constant is written as a percentage. A linear form has the constant 1.
    """

    over: Linear
    under: Linear | None = None
    constant: Fraction = Fraction(1)
    percent: bool = False

    def with_campaigns(self, known: Mapping[str, Chosen]) -> "Form":
        """Return the same form with what its campaigns select."""
        under = None if self.under is None else _chosen(self.under, known)
        return replace(self, over=_chosen(self.over, known), under=under)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of both sides, each once."""
        sides = (self.over, self.under) if self.under is not None else (self.over,)
        return tuple(dict.fromkeys(one.term for side in sides for one in side.summands))

    @property
    def pairs_posts(self) -> bool:
        """True for a ratio whose terms are all of posts: then it pairs per post, else per account."""
        return self.under is not None and all(term.subject == "post" for term in self.terms)

    def __str__(self) -> str:
        if self.under is None:
            return str(self.over)
        if self.percent:
            ratio, constant = f"percent({self.over}, {self.under})", self.constant / 100
        else:
            ratio, constant = f"{self.over.as_operand()} / {self.under.as_operand()}", self.constant
        return ratio if constant == 1 else f"{number(constant)} * ({ratio})"


def _chosen(side: Linear, known: Mapping[str, Chosen]) -> Linear:
    found = []
    for one in side.summands:
        selector = one.term.selector
        if selector.campaigns:
            chosen = tuple(known[name] for name in selector.campaigns if name in known)
            one = replace(one, term=replace(one.term, selector=replace(selector, chosen=chosen)))  # noqa: PLW2901
        found.append(one)
    return Linear(tuple(found))


def whole_factors(form: Linear) -> tuple[Mapping[Term, int], int]:
    """Return the factors of a form times the smallest positive number that makes them whole, and that number."""
    scale = lcm(*(one.factor.denominator for one in form.summands))
    return {one.term: int(one.factor * scale) for one in form.summands}, scale


def written(summands: Iterable[tuple[str, Fraction]]) -> str:
    """Return the text of a sum."""
    text = ""
    for name, factor in summands:
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        size = abs(factor)
        text += f"{sign}{name}" if size == 1 else f"{sign}{number(size)} * {name}"
    return text


def number(value: Fraction) -> str:
    """Return the text of a constant: digits where they are exact, else a fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    decimal = f"{float(value):.15g}"
    return decimal if "e" not in decimal and Fraction(decimal) == value else f"{value.numerator} / {value.denominator}"
