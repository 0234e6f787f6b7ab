"""Recursive-descent parser of formulas.

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/") signed }
    signed  = [ "-" ] primary
    primary = number | "(" sum ")" | function "(" sum { "," sum } ")" [ labels ] | [ "account." ] name [ labels ]
    labels  = "{" label { ";" label } "}"
    label   = name "=" value { "," value }

The parser knows neither metrics nor functions: `metrics.definitions.language.checker` decides about their names.
"""

import re
from fractions import Fraction
from typing import Final

from metrics.definitions.language.tree import (
    Binary,
    Call,
    Label,
    LabelValue,
    Name,
    Negation,
    Node,
    Number,
    Operator,
    Refused,
)

MAX_LENGTH: Final = 1000
MAX_NESTING = 20
MAX_DIGITS = 15
"""A number with more digits is not exact in the arithmetic of other programs."""

_BLANK = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUE = re.compile(r"[A-Za-z0-9_.:-]+")
_MEANT = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "", "%": ""}  # noqa: RUF001
_REMEDIES = {"^": "there are no powers", "%": "write percent(a, b)"}


def parse(expression: str) -> Node:
    """Return the tree of an expression.

    Raises:
        Refused: the text is longer than 1,000 characters, or it is not an expression of the grammar.
    """
    if len(expression) > MAX_LENGTH:
        raise Refused(
            MAX_LENGTH + 1, f"an expression has at most {MAX_LENGTH:,} characters, this one {len(expression):,}"
        )
    return _Parser(expression).whole()


class _Parser:
    """The state of one parse: the text, the index of the next character, and how many brackets are open."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._index = 0
        self._depth = 0

    def whole(self) -> Node:
        self._skip()
        if self._index == len(self._text):
            raise Refused(1, "the expression is empty: write a metric, as likes")
        node = self._sum()
        if self._index < len(self._text):
            raise self._unexpected("an operator (+ - * /) or the end")
        return node

    def _sum(self) -> Node:
        node = self._product()
        while (operator := self._operator("+", "-")) is not None:
            node = Binary(operator[0], node, self._product(), operator[1])
        return node

    def _product(self) -> Node:
        node = self._signed()
        while (operator := self._operator("*", "/")) is not None:
            node = Binary(operator[0], node, self._signed(), operator[1])
        return node

    def _operator(self, *wanted: Operator) -> tuple[Operator, int] | None:
        at = self._index + 1
        for operator in wanted:
            if self._take(operator):
                return operator, at
        return None

    def _signed(self) -> Node:
        at = self._index + 1
        return Negation(self._primary(), at) if self._take("-") else self._primary()

    def _primary(self) -> Node:
        at = self._index + 1
        if self._take("("):
            self._open(at)
            inner = self._sum()
            self._close(at)
            return inner
        if (number := self._match(_NUMBER)) is not None:
            if len(number) > MAX_DIGITS:
                raise Refused(at, f"a number has at most {MAX_DIGITS} digits")
            return Number(Fraction(number), at)
        if (name := self._match(_NAME)) is None:
            raise self._unexpected("a metric, a number or (")
        account = name == "account" and self._take(".")
        if account and (name := self._match(_NAME)) is None:
            raise self._unexpected("the name of a metric of accounts, as account.reach")
        if not account and (opened := self._index + 1) and self._take("("):
            self._open(opened)
            arguments = [self._sum()]
            while self._take(","):
                arguments.append(self._sum())
            self._close(opened)
            return Call(name, tuple(arguments), self._labels(), at)
        return Name(name, account, self._labels(), at)

    def _open(self, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise Refused(at, f"brackets are nested more than {MAX_NESTING} deep: a formula needs far fewer")

    def _close(self, opened: int) -> None:
        if not self._take(")"):
            raise self._unexpected(f"an operator, or the ) that closes the bracket of character {opened}")
        self._depth -= 1

    def _labels(self) -> tuple[Label, ...]:
        if not self._take("{"):
            return ()
        labels = [self._label()]
        while self._take(";"):
            labels.append(self._label())
        if not self._take("}"):
            raise self._unexpected("a comma and another value, a semicolon and another label, or }")
        return tuple(labels)

    def _label(self) -> Label:
        at = self._index + 1
        if (name := self._match(_NAME)) is None:
            raise self._unexpected("the name of a label, as platform")
        if not self._take("="):
            raise self._unexpected(f"= after the label {name}")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        return Label(name, tuple(values), at)

    def _value(self) -> LabelValue:
        at = self._index + 1
        if (value := self._match(_VALUE)) is None:
            raise self._unexpected("a value of the label")
        return LabelValue(value, at)

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._index)
        if found is None:
            return None
        self._index = found.end()
        self._skip()
        return found.group()

    def _take(self, character: str) -> bool:
        if not self._text.startswith(character, self._index):
            return False
        self._index += 1
        self._skip()
        return True

    def _skip(self) -> None:
        blank = _BLANK.match(self._text, self._index)
        self._index = blank.end() if blank else self._index

    def _unexpected(self, wanted: str) -> Refused:
        at = self._index + 1
        if self._index == len(self._text):
            return Refused(at, f"the expression ends here, where {wanted} should stand")
        character = self._text[self._index]
        shown = character if character.isprintable() else f"U+{ord(character):04X}"
        if character in _MEANT:
            remedy = _REMEDIES.get(character) or f"write {_MEANT[character]}"
            return Refused(at, f"{shown} is no operator here: {remedy}")
        return Refused(at, f"{shown} stands where {wanted} should stand")
