"""Helpers that build expressions of MongoDB's aggregation language."""

from typing import Any

Expression = Any
"""An aggregation expression: a literal, a path, or an operator document."""


def is_number(path: Expression) -> Expression:
    """Return an expression that is true if a value is a number; a missing value is not."""
    return {"$isNumber": path}


def when(condition: Expression, then: Expression, otherwise: Expression = "$$REMOVE") -> Expression:
    """Return `then` if the condition holds, else `otherwise`; by default the field is then left out."""
    return {"$cond": [condition, then, otherwise]}


def numbers(path: str) -> Expression:
    """Return the numbers of an array, so that a text in place of a number enters no rollup."""
    return {"$filter": {"input": {"$ifNull": [path, []]}, "cond": is_number("$$this")}}


def numbers_only(document: Expression) -> Expression:
    """Return an object with only those fields that hold numbers."""
    kept = {"$filter": {"input": {"$objectToArray": document}, "as": "field", "cond": is_number("$$field.v")}}
    return {"$arrayToObject": kept}


def percent(numerator: Expression, denominator: Expression) -> Expression:
    """Return `100 x numerator / denominator`."""
    return {"$multiply": [100, {"$divide": [numerator, denominator]}]}
