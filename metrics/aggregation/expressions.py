"""Small expressions of MongoDB's aggregation language."""

from typing import Any

Expression = Any
"""An aggregation expression: a literal, a path, or an operator document."""


def known(path: Expression) -> Expression:
    """Tell whether a value is a number; what is missing is unknown."""
    return {"$isNumber": path}


def when(condition: Expression, then: Expression, otherwise: Expression = "$$REMOVE") -> Expression:
    """Return one of two; by default nothing where the condition does not hold."""
    return {"$cond": [condition, then, otherwise]}


def numbers(path: str) -> Expression:
    """Return the numbers of an array: text where a number belongs enters no rollup."""
    return {"$filter": {"input": {"$ifNull": [path, []]}, "cond": known("$$this")}}


def numbers_only(document: Expression) -> Expression:
    """Return an object without the fields that hold no number."""
    kept = {"$filter": {"input": {"$objectToArray": document}, "as": "field", "cond": known("$$field.v")}}
    return {"$arrayToObject": kept}


def percent(numerator: Expression, denominator: Expression) -> Expression:
    """Return `100 x numerator / denominator`."""
    return {"$multiply": [100, {"$divide": [numerator, denominator]}]}
