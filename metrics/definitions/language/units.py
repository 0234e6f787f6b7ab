"""Units of formulas: they follow from the units of the metrics."""

from metrics.catalog import Kind, Unit
from metrics.definitions.language.forms import Form
from metrics.definitions.language.tree import Refused
from metrics.errors import InvalidInput

_ONE = {"people": "person", "milliseconds": "millisecond", "minutes": "minute"}
_NUMBERS: tuple[Unit, ...] = ("count", "people")


def unit_of(form: Form, at: int) -> str:
    """Return the unit of a normal form: that of its terms, `ratio`, `percent`, `per person`, or `minutes per count`.

    Factors have no unit. `at` is the position to blame.

    Raises:
        Refused: a percentage of two units that cannot be compared.
    """
    over = form.over.unit
    if form.under is None:
        return over
    under = form.under.unit
    if form.percent:
        if over != under and not (over in _NUMBERS and under in _NUMBERS):
            raise Refused(
                at, f"percent of {over} and {under} says nothing: write a / b, which is in {over} per {under}"
            )
        return "percent"
    if over == under:
        return "ratio"
    per = f"per {_ONE.get(under, under)}"
    return per if over == "count" else f"{over} {per}"


def kind_of(form: Form) -> Kind:
    """Return the kind of a formula, which says as in the catalog over what its values add up.

    A difference or sum of levels is a level, a sum of the net changes of posts a counter, and any other sum of counts a
    `period_sum`.
    """
    if form.under is not None:
        return "ratio"
    functions = {term.function for term in form.terms}
    if any(term.is_people for term in form.terms):
        return "period_unique" if "unique" in functions else "counter"
    if functions & {"open", "close", "avg", "min", "max"}:
        return "gauge"
    return "counter" if functions == {"net"} else "period_sum"


def check_unit(given: str | None, found: str) -> None:
    """Check that a given unit is the one that follows from the expression.

    Raises:
        InvalidInput: it is another one.
    """
    if given is not None and given != found:
        hint = ", or write percent(a, b) for 100 * a / b" if given == "percent" else ""
        raise InvalidInput(f"unit: the expression is in {found}: write that, or leave unit out{hint}", "unit")
