"""The expression tree of a formula; each node has the position of its first character, counted from 1."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from metrics.errors import InvalidInput

Operator = Literal["+", "-", "*", "/"]


class Refused(InvalidInput):
    """An expression is not accepted. `at` is the position of the fault, counted from 1; `reason` says what to write."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(f"expression: character {at}: {reason}", "expression")
        self.at = at
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: Fraction
    at: int


@dataclass(frozen=True, slots=True)
class LabelValue:
    """One value of a label."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Label:
    """A label with the values that it selects."""

    name: str
    values: tuple[LabelValue, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A metric, or another definition; `account` says that it was written `account.name`."""

    name: str
    account: bool
    labels: tuple[Label, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; only `offered` takes labels."""

    function: str
    arguments: tuple["Node", ...]
    labels: tuple[Label, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; `at` is the position of the operator."""

    operator: Operator
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Negation:
    """A minus sign before an operand."""

    operand: "Node"
    at: int


Node = Number | Name | Call | Binary | Negation


def start(node: Node) -> int:
    """Return the position at which the text of a node begins."""
    while isinstance(node, Binary):
        node = node.left
    return node.at
