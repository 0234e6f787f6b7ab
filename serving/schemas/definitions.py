"""The shapes of definitions of metrics of a workspace's own."""

from typing import Any

from pydantic import ConfigDict, Field

from metrics.catalog import Kind
from metrics.definitions.changes import LONGEST_DESCRIPTION, LONGEST_TITLE
from metrics.definitions.language.parser import MAX_LENGTH
from metrics.documents import Reason
from serving.schemas.base import Count, Instant, Page, Shape, absent

_UNIT = "What the values are in. It follows from the expression: `count`, `people`, `ratio`, `percent`, `per person`, …"
_FORMULA: Any = {"title": "Rate of saves", "expression": "percent(saves, views)"}


def _expression() -> Any:
    return Field(
        min_length=1,
        max_length=MAX_LENGTH,
        description="The formula (docs/definitions.md): a sum of metrics, or one sum over another.",
        examples=[_FORMULA["expression"]],
    )


class Formula(Shape):
    """A definition as the caller gives it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FORMULA]})

    title: str = Field(min_length=1, max_length=LONGEST_TITLE, description="The name to show to people.")
    expression: str = _expression()
    description: str | None = Field(
        None, min_length=1, max_length=LONGEST_DESCRIPTION, description="What the number tells, in a few sentences."
    )
    unit: str | None = Field(
        None, max_length=100, description="The unit that the caller expects: another one than follows is refused."
    )


class PreviewedFormula(Shape):
    """A formula to evaluate without keeping it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"expression": _FORMULA["expression"]}]})

    expression: str = _expression()
    unit: str | None = Field(
        None, max_length=100, description="The unit that the caller expects: another one than follows is refused."
    )


class DefinitionVersion(Shape):
    """A version of a definition, which never changes."""

    version: int = Field(ge=1, description="Counted from 1.")
    title: str = Field(description="The name to show to people.")
    expression: str = Field(description="The formula as it was given.")
    description: str = absent("What the number tells.")
    unit: str = Field(description=_UNIT)
    normal_form: str = Field(description="The formula as it is evaluated, without names of other definitions.")
    uses: dict[str, int] = Field(description="The versions of the other definitions that it names, directly or not.")
    because: str = absent("The definition whose change made this version, if it was not changed itself.")
    created_at: Instant = Field(description="When it was defined.")


class Definition(Shape):
    """A metric of a workspace's own, with all its versions."""

    name: str = Field(description="The name, which stands for the metric wherever names of metrics do.")
    version: int = Field(ge=1, description="The newest version.")
    retired_at: Instant = absent("When it was taken out of use; its versions can still be read.")
    versions: list[DefinitionVersion] = Field(description="All versions, oldest first.")


class DefinitionAnswer(Shape):
    """A definition with all its versions."""

    data: Definition


class Definitions(Shape):
    """The definitions of a workspace, retired ones included."""

    data: list[Definition]
    page: Page


class OwnMetric(Shape):
    """A metric of a workspace's own, in its newest version."""

    name: str
    version: int = Field(ge=1, description="The version.")
    title: str = Field(description="The name to show to people.")
    description: str = absent("What the number tells.")
    unit: str = Field(description=_UNIT)
    kind: Kind = absent(
        "Over what values add up, as in the catalog. Absent if Tidemark no longer accepts the expression."
    )
    expression: str = Field(description="The formula.")
    versions: list[int] = Field(description="The versions that can be read with `at`.")


class Parts(Shape):
    """What a value was computed from, so that values can be pooled again; the 100 of a percentage is not in it."""

    over: int | float = Field(description="The sum of the numerator, or the value itself if there is no denominator.")
    under: int | float = absent("The sum of the denominator.")
    measured: Count = Field(description="How many posts, or accounts, entered the sums.")


class ValueOfSpan(Shape):
    """The value over one span, or the reason why it is absent."""

    start: Instant = Field(description="The start of the span.")
    end: Instant = Field(description="The end of the span, exclusive.")
    value: int | float = absent("The value.")
    parts: Parts = absent("What it was computed from.")
    reason: Reason = absent("Why there is no value.")
    missing: list[str] = absent("The accounts that lack a number which the formula needs.")


class Previewed(Shape):
    """The values of a formula over the last eight weeks."""

    unit: str = Field(description=_UNIT)
    normal_form: str = Field(description="The formula as it is evaluated, without names of other definitions.")
    weeks: list[ValueOfSpan] = Field(description="The last eight weeks, oldest first; the last one is under way.")
    total: ValueOfSpan = Field(description="The value over the eight weeks: pooled, not a mean.")


class PreviewMeta(Shape):
    """The definitions that the formula names."""

    definitions: dict[str, int] = Field(description="The versions of the definitions that the formula names.")


class Preview(Shape):
    """What a formula would answer; nothing is kept."""

    data: Previewed
    meta: PreviewMeta
