"""The rules about what may be added, and about the two sides of a ratio."""

from metrics.definitions.language.forms import Form, Linear, Summand, Term, post_kinds
from metrics.definitions.language.tree import Refused
from metrics.documents import PLATFORMS


def check_sum(left: Linear, right: Linear, at: int) -> None:
    """Check that two linear forms may be added. `at` is the position of the right one.

    Raises:
        Refused: their units differ, people would be added, or a level would be added over time.
    """
    if left.unit != right.unit:
        message = f"{right.unit} are added to {left.unit}: all terms of a sum have one unit"
        raise Refused(at, message)
    for one in (*left.summands, *right.summands):
        if one.term.is_people:
            raise Refused(one.at, f"{one.term} counts people, who do not add up: it stands alone on its side")


def check_sides(form: Form) -> None:
    """Check the sides of a normal form.

    Raises:
        Refused: a level is added over time, or a term has no subject in common with the other side.
    """
    sides = (form.over, form.under) if form.under is not None else (form.over,)
    for side in sides:
        _check_levels(side)
    if form.under is not None:
        for one in form.over.summands:
            _check_pairs(one, form.under, posts=form.pairs_posts)


def _check_levels(side: Linear) -> None:
    """Check that a level of several instants enters a sum as a difference only: its factors add up to 0."""
    by_metric: dict[str, list[Summand]] = {}
    for one in side.summands:
        if one.term.function in ("open", "close", "avg", "min", "max"):
            by_metric.setdefault(one.term.name, []).append(one)
    for name, found in by_metric.items():
        functions = {one.term.function for one in found}
        if len(functions) > 1 and sum(one.factor for one in found) != 0:
            example = f"close({name}) - open({name})"
            message = f"{name} is a level, which is never added over time: write its avg, or a difference as {example}"
            raise Refused(found[-1].at, message)


def _check_pairs(one: Summand, under: Linear, *, posts: bool) -> None:
    if any(_meet(one.term, other.term, posts=posts) for other in under.summands):
        return
    what = "post" if posts else "account"
    message = f"no {what} has both {one.term} and {under}: their labels leave no {what} in common"
    raise Refused(one.at, message)


def _meet(over: Term, under: Term, *, posts: bool) -> bool:
    a, b = over.selector, under.selector
    if a.accounts and b.accounts and not set(a.accounts) & set(b.accounts):
        return False
    if posts:
        common = (kind for kind in post_kinds() if a.takes_kind(kind) and b.takes_kind(kind))
        return any(over.metrics_on(kind) and under.metrics_on(kind) for kind in common)
    return any((not a.platforms or p in a.platforms) and (not b.platforms or p in b.platforms) for p in PLATFORMS)
