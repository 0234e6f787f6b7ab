"""The check of a formula: from its tree to its normal form, or a refusal that names the position and the reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from metrics.catalog import CATALOG, ENGAGEMENT_PARTS, Metric, Subject
from metrics.definitions.language.additivity import check_sides, check_sum
from metrics.definitions.language.forms import POST_COUNT, Form, Function, Linear, Selector, Summand, Term
from metrics.definitions.language.parser import parse
from metrics.definitions.language.selectors import check_offered, selector_of
from metrics.definitions.language.tree import Binary, Call, Label, Name, Negation, Node, Number, Refused, start
from metrics.definitions.language.units import check_unit, unit_of
from metrics.definitions.language.vocabulary import ENGAGEMENT, FUNCTIONS, Vocabulary, instead

MAX_DEPTH = 5
"""How many definitions may stand one inside the other."""
MAX_FACTOR = 10**15
"""The largest numerator and denominator of a factor: all of them are exact in the arithmetic of a client."""
_OF_LEVELS: Mapping[str, Function] = {
    "open": "open", "close": "close", "avg": "avg", "min": "min", "max": "max"
}  # fmt: skip
_ONE = Fraction(1)

Part = Fraction | Linear | Form
"""What a part of the tree stands for: a constant, a linear form, or a ratio."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An accepted formula: its normal form, its unit, and the other definitions that it names, directly or not."""

    form: Form
    unit: str
    uses: frozenset[str]


def check(expression: str, vocabulary: Vocabulary, *, name: str | None = None, unit: str | None = None) -> Checked:
    """Return the normal form and the unit of an expression.

    `name` is the name that it is defined under, None for an expression without one. `unit` is a unit that the caller
    expects.

    Raises:
        Refused: the expression is not accepted; the error has the position and the reason.
        InvalidInput: `unit` is not the unit of the expression.
    """
    checker = _Checker(vocabulary, (name or "",))
    tree = parse(expression)
    part = checker.part(tree)
    if isinstance(part, Fraction):
        raise Refused(start(tree), "a constant is no metric: write at least one metric")
    form = Form(part) if isinstance(part, Linear) else part
    check_sides(form)
    found = unit_of(form, start(tree))
    check_unit(unit, found)
    return Checked(form, found, frozenset(checker.uses))


class _Checker:
    """Evaluates a tree over forms. `path` has the names of the definitions that are being read, the outermost first."""

    def __init__(self, vocabulary: Vocabulary, path: tuple[str, ...]) -> None:
        self._vocabulary = vocabulary
        self._path = path
        self.uses: set[str] = set()

    def part(self, node: Node) -> Part:
        """Return what a node stands for."""
        match node:
            case Number():
                return node.value
            case Name():
                return self._name(node)
            case Call():
                return self._call(node)
            case Negation():
                return _scaled(self.part(node.operand), Fraction(-1), node.at)
            case Binary():
                combine = {"+": _sum, "-": _difference, "*": _product, "/": _quotient}[node.operator]
                return combine(self.part(node.left), self.part(node.right), node)

    def _call(self, call: Call) -> Part:
        if call.function not in FUNCTIONS:
            raise Refused(call.at, f"there is no function {call.function}: {instead(call.function, FUNCTIONS)}")
        if call.labels and call.function != "offered":
            raise Refused(call.labels[0].at, "labels stand behind the name of a metric, as likes{platform=instagram}")
        wanted = 2 if call.function == "percent" else 1
        if len(call.arguments) != wanted:
            number = "two arguments, as percent(saves, views)" if wanted == 2 else "one argument"
            raise Refused(call.at, f"{call.function} takes {number}; here are {len(call.arguments)}")
        if call.function == "percent":
            return self._percent(call)
        if call.function == "offered":
            return self._offered(call)
        return self._of_account(call)

    def _percent(self, call: Call) -> Form:
        over, under = (self._side(argument) for argument in call.arguments)
        return Form(over, under, Fraction(100), percent=True)

    def _side(self, node: Node) -> Linear:
        part = self.part(node)
        if isinstance(part, Linear):
            return part
        what = "a constant" if isinstance(part, Fraction) else "a ratio"
        raise Refused(start(node), f"each side of percent is a sum of metrics, this one is {what}")

    def _of_account(self, call: Call) -> Linear:
        """Return a level at an instant or over a period, or a number of people: `avg(followers)`."""
        argument, function = call.arguments[0], call.function
        example = "unique(account.reach)" if function == "unique" else f"{function}(followers)"
        if not isinstance(argument, Name):
            raise Refused(start(argument), f"{function} takes the name of one metric of accounts, as {example}")
        metric = CATALOG.get(("account", argument.name))
        wanted = "period_unique" if function == "unique" else "gauge"
        if metric is None or metric.kind != wanted:
            raise Refused(argument.at, self._not_of_account(argument, function, wanted))
        if function == "unique":
            if ("post", metric.name) in CATALOG and not argument.account:
                raise Refused(argument.at, f"{metric.name} alone is the number of posts: write {example}")
            return self._term(metric, argument, "unique")
        return self._term(metric, argument, _OF_LEVELS[function])

    def _not_of_account(self, argument: Name, function: str, wanted: str) -> str:
        names = [name for (subject, name), one in CATALOG.items() if subject == "account" and one.kind == wanted]
        what = "numbers of people of accounts" if function == "unique" else "levels of accounts"
        return f"{function} is for {what}: {', '.join(names)}; {argument.name} is none"

    def _offered(self, call: Call) -> Linear:
        sum_of = self.part(call.arguments[0])
        terms = [one.term for one in sum_of.summands if one.factor == 1] if isinstance(sum_of, Linear) else []
        plain = all(
            term.function in ("net", "total") and not term.offered and term.selector == Selector() for term in terms
        )
        if not isinstance(sum_of, Linear) or not plain or len(terms) < len(sum_of.summands):
            message = (
                "offered takes a sum of metrics alone; labels stand behind it: offered(likes + saves){platform=twitter}"
            )
            raise Refused(start(call.arguments[0]), message)
        if any(term.is_people or term.subject != terms[0].subject for term in terms):
            raise Refused(
                start(call.arguments[0]), "offered adds numbers of posts, or numbers of accounts, but no people"
            )
        metrics = tuple(one.term.name for one in sum_of.summands)
        return self._offered_term(metrics, terms[0].subject, call.labels, call.at)

    def _offered_term(self, metrics: tuple[str, ...], subject: Subject, labels: tuple[Label, ...], at: int) -> Linear:
        shown = "offered(…)"
        selector = selector_of(labels, self._vocabulary, has_posts=subject == "post", name=shown)
        term = Term(subject, metrics, "net" if subject == "post" else "total", selector, offered=True)
        check_offered(term, labels, at, self._vocabulary)
        return Linear((Summand(term, _ONE, at),))

    def _name(self, name: Name) -> Part:
        if name.account:
            return self._account_metric(name)
        if (metric := CATALOG.get(("post", name.name))) is not None:
            return self._term(metric, name, "net")
        if ("account", name.name) in CATALOG:
            return self._account_metric(name)
        if name.name == ENGAGEMENT:
            return self._offered_term(ENGAGEMENT_PARTS, "post", name.labels, name.at)
        if name.name == POST_COUNT:
            selector = selector_of(name.labels, self._vocabulary, has_posts=True, name=POST_COUNT)
            term = Term("account", (POST_COUNT,), "published", selector)
            check_offered(term, name.labels, name.at, self._vocabulary)
            return Linear((Summand(term, _ONE, name.at),))
        return self._definition(name)

    def _account_metric(self, name: Name) -> Linear:
        metric = CATALOG.get(("account", name.name))
        if metric is None:
            of_accounts = [one for subject, one in CATALOG if subject == "account"]
            raise Refused(name.at, f"accounts have no metric {name.name}: {instead(name.name, of_accounts)}")
        if metric.kind == "period_unique":
            shown = f"account.{metric.name}" if ("post", metric.name) in CATALOG else metric.name
            message = (
                f"{shown} counts people, who do not add up: write unique({shown}), for one account and its own span"
            )
            raise Refused(name.at, message)
        return self._term(metric, name, "close" if metric.kind == "gauge" else "total")

    def _term(self, metric: Metric, name: Name, function: Function) -> Linear:
        has_posts = metric.subject == "post"
        selector = selector_of(name.labels, self._vocabulary, has_posts=has_posts, name=metric.name)
        term = Term(metric.subject, (metric.name,), function, selector)
        check_offered(term, name.labels, name.at, self._vocabulary)
        if term.is_people and (len(selector.accounts) > 1 or len(selector.platforms) > 1):
            raise Refused(name.at, f"people of several accounts do not add up: {term} must select one account")
        return Linear((Summand(term, _ONE, name.at),))

    def _definition(self, name: Name) -> Part:
        expression = self._vocabulary.definitions.get(name.name)
        if expression is None:
            raise Refused(name.at, f"there is no metric {name.name}: {instead(name.name, self._vocabulary.names())}")
        if name.labels:
            message = f"{name.name} is a definition and takes no labels: write them behind the metrics in it"
            raise Refused(name.labels[0].at, message)
        if name.name in self._path:
            circle = " -> ".join([*self._path[self._path.index(name.name) :], name.name])
            raise Refused(name.at, f"definitions name each other in a circle: {circle}")
        if len(self._path) > MAX_DEPTH:
            raise Refused(
                name.at, f"definitions stand more than {MAX_DEPTH} deep in each other: {name.name} is too deep"
            )
        inner = _Checker(self._vocabulary, (*self._path, name.name))
        try:
            part = inner.part(parse(expression))
        except Refused as error:
            raise Refused(name.at, error.reason if "circle" in error.reason or "deep" in error.reason else
                          f"{name.name} is not accepted itself: {error.reason}") from None  # fmt: skip
        if not isinstance(part, Linear):
            raise Refused(name.at, f"{name.name} is a ratio, and a formula may name sums only: write its metrics here")
        self.uses |= {name.name, *inner.uses}
        return Linear(tuple(Summand(one.term, one.factor, name.at) for one in part.summands))


def _sum(left: Part, right: Part, node: Binary) -> Part:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return _bounded(left + right, node.at)
    for part, operand in ((left, node.left), (right, node.right)):
        if isinstance(part, Fraction):
            raise Refused(
                start(operand), "a constant is added to a metric: a sum has metrics only, with constant factors"
            )
        if isinstance(part, Form):
            raise Refused(start(operand), "a ratio is added: a formula is one sum of metrics over another, and no more")
    assert isinstance(left, Linear) and isinstance(right, Linear)  # noqa: PT018, S101 - told to mypy
    check_sum(left, right, start(node.right))
    total = left.plus(right)
    if not total.summands:
        raise Refused(node.at, "the terms cancel each other: the sum is always 0")
    for one in total.summands:
        _bounded(one.factor, node.at)
    return total


def _difference(left: Part, right: Part, node: Binary) -> Part:
    return _sum(left, _scaled(right, Fraction(-1), node.at), node)


def _product(left: Part, right: Part, node: Binary) -> Part:
    if isinstance(right, Fraction):
        return _scaled(left, right, node.at)
    if isinstance(left, Fraction):
        return _scaled(right, left, node.at)
    raise Refused(node.at, "metrics are multiplied: only a constant factor may be, as 2 * likes")


def _quotient(left: Part, right: Part, node: Binary) -> Part:
    if isinstance(right, Fraction):
        if not right:
            raise Refused(start(node.right), "a division by 0")
        return _scaled(left, 1 / right, node.at)
    if isinstance(right, Form) or isinstance(left, Form):
        at = start(node.right) if isinstance(right, Form) else node.at
        raise Refused(at, "a ratio of a ratio: a formula divides once, one sum of metrics by another")
    if isinstance(left, Fraction):
        raise Refused(start(node.left), "a constant is divided by a metric: both sides of a ratio have metrics")
    return Form(left, right)


def _scaled(part: Part, factor: Fraction, at: int) -> Part:
    if not factor:
        raise Refused(at, "a factor is 0: leave out what it multiplies")
    if isinstance(part, Fraction):
        return _bounded(part * factor, at)
    if isinstance(part, Form):
        return Form(part.over, part.under, _bounded(part.constant * factor, at), part.percent)
    scaled = part.times(factor)
    for one in scaled.summands:
        _bounded(one.factor, at)
    return scaled


def _bounded(factor: Fraction, at: int) -> Fraction:
    if abs(factor.numerator) > MAX_FACTOR or factor.denominator > MAX_FACTOR:
        raise Refused(at, f"a factor is not between 1 / {MAX_FACTOR:.0e} and {MAX_FACTOR:.0e}, or has too many digits")
    return factor
