"""Query parameters: one strict model per route, and opaque cursors."""

import base64
import binascii
import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from metrics.catalog import COUNTERS
from metrics.clock import utcnow
from metrics.documents import CONTENT_TYPES, METRIC_TYPES, PLATFORMS
from metrics.errors import InvalidInput
from metrics.export import DATASETS, FORMATS, Dataset, Format
from metrics.periods import DAY, PERIODS, midnight
from metrics.redis.events import EVENT_NAMES

MAX_DAYS = 400
DEFAULT_DAYS = 30
MAX_PARAMETERS = 32
SORTS = ("engagement", "engagementRate", "publishedAt", *COUNTERS)
_DIGITS = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError("no such date in the calendar") from None
        if 2000 <= day.year < 2200:
            return day
        raise ValueError("a date from 2000 to 2199")
    raise ValueError("a date as YYYY-MM-DD")


def _digits(value: object) -> object:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


def _one_of(*values: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return BeforeValidator(check)


_DAY_SCHEMA = {"pattern": "^2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", "examples": ["2026-01-15"]}
Day = Annotated[date, BeforeValidator(_date), Field(json_schema_extra=_DAY_SCHEMA)]
PlatformName = Annotated[str, _one_of(*PLATFORMS), Field(json_schema_extra={"enum": list(PLATFORMS)})]
MetricTypeName = Annotated[str, _one_of(*METRIC_TYPES), Field(json_schema_extra={"enum": list(METRIC_TYPES)})]
ContentTypeName = Annotated[str, _one_of(*CONTENT_TYPES), Field(json_schema_extra={"enum": list(CONTENT_TYPES)})]
PeriodName = Annotated[str, _one_of(*PERIODS, "custom"), Field(json_schema_extra={"enum": [*PERIODS, "custom"]})]
SortName = Annotated[str, _one_of(*SORTS), Field(json_schema_extra={"enum": list(SORTS)})]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]


class Query(BaseModel):
    """The parameters of a route; what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)


class RangeQuery(Query):
    """Both dates or none, inclusive, UTC; without them the last 30 days."""

    start_date: Day | None = Field(None, description="The first day, UTC. Without both days: the last 30 days.")
    end_date: Day | None = Field(None, description="The last day, inclusive, UTC; 400 days at most.")

    def days(self) -> tuple[date, date]:
        """Return the first and the last day.

        Raises:
            InvalidInput: one date alone, a reversed pair, or more than 400 days.
        """
        if (self.start_date is None) != (self.end_date is None):
            missing = "startDate" if self.start_date is None else "endDate"
            raise InvalidInput(f"{missing}: give both startDate and endDate, or neither", missing)
        if self.start_date is None or self.end_date is None:
            today = utcnow().date()
            return today - timedelta(days=DEFAULT_DAYS - 1), today
        if self.end_date < self.start_date:
            raise InvalidInput("endDate: it is before startDate", "endDate")
        if (self.end_date - self.start_date).days >= MAX_DAYS:
            raise InvalidInput(f"endDate: a range has at most {MAX_DAYS} days", "endDate")
        return self.start_date, self.end_date

    def bounds(self) -> tuple[datetime, datetime]:
        """Return the half-open range of instants."""
        first, last = self.days()
        return midnight(first), midnight(last) + DAY


class PageQuery(RangeQuery):
    """A range, read page by page."""

    limit: Annotated[int, BeforeValidator(_digits)] = Field(100, ge=1, le=1000, description="How many at most.")
    cursor: str | None = Field(None, max_length=1024, description="`page.nextCursor` of the page before, nothing else.")


class MetricsQuery(PageQuery):
    """Which observations."""

    platform: PlatformName | None = None
    metric_type: MetricTypeName | None = None


class PostMetricsQuery(PageQuery):
    """Which observations of a post."""


class AggregatedQuery(PageQuery):
    """Which rollups."""

    period: PeriodName = Field(description="`custom` merges the range into one document per account.")
    platform: PlatformName | None = None
    account_id: Id | None = Field(None, description="One account only.")
    compare: Literal["previous"] | None = Field(None, description="Compare totals with the period before.")


class PostsQuery(PageQuery):
    """Which posts, in which order."""

    sort: SortName = Field("engagement", description="The value to sort by, greatest first.")
    platform: PlatformName | None = None
    content_type: ContentTypeName | None = None


class ExportQuery(RangeQuery):
    """Which rows, in which form."""

    dataset: Annotated[Dataset, _one_of(*DATASETS)]
    format: Annotated[Format, _one_of(*FORMATS)]


class NoQuery(Query):
    """No parameters."""


class AggregateQuery(Query):
    """A day of the period to compute."""

    date: Day = Field(description="A day of the period.")


class InvalidateQuery(Query):
    """Which cached answers to drop."""

    pattern: str = Field(
        "*", min_length=1, max_length=128, pattern=r"^[A-Za-z]*:?\*?$", description="A kind of answer.",
        examples=["aggregated:*"],
    )  # fmt: skip


_EVENT = f"({'|'.join(EVENT_NAMES)})"
_LIST_OF_EVENTS = f"^{_EVENT}(,{_EVENT})*$"


class StreamQuery(Query):
    """Which events to follow."""

    workspace_id: Id
    account_id: Id | None = Field(None, description="Events of one account only.")
    post_id: Id | None = Field(None, description="Events of one post only.")
    events: str | None = Field(
        None, max_length=200, description="Names of events, separated by commas; all without.",
        json_schema_extra={"pattern": _LIST_OF_EVENTS}, examples=["metrics:update,metrics:post"],
    )  # fmt: skip
    ticket: str | None = Field(None, max_length=128)
    last_event_id: str | None = Field(None, max_length=64, description="Replay what came after this event.")


Q = TypeVar("Q", bound=Query)


def parse(request: Request, model: type[Q]) -> Q:
    """Return the query of a request.

    Raises:
        InvalidInput: a parameter is given twice.
        ValidationError: one is unknown, missing or wrong.
    """
    if len(request.query_params.multi_items()) > MAX_PARAMETERS:
        raise InvalidInput(f"a query has at most {MAX_PARAMETERS} parameters")
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in values:
            raise InvalidInput(f"{name}: given twice", name)
        values[name] = value
    return model.model_validate(values, by_alias=True, by_name=False)


def encode_cursor(query: Query, route: str, position: list[Any]) -> str:
    """Return a cursor that continues this query behind `position`."""
    return base64.urlsafe_b64encode(orjson.dumps([_about(query, route), *position])).decode().rstrip("=")


def decode_cursor(query: Query, route: str, size: int) -> list[Any] | None:
    """Return the position of the query's cursor, or None without one.

    Raises:
        InvalidInput: it is not one of ours, or belongs to another query.
    """
    text: str | None = getattr(query, "cursor", None)
    if text is None:
        return None
    try:
        about, *position = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError, TypeError):
        raise InvalidInput("cursor: not one that an answer gave", "cursor") from None
    if about != _about(query, route) or len(position) != size:
        raise InvalidInput("cursor: it belongs to another query", "cursor")
    return list(position)


def _about(query: Query, route: str) -> str:
    asked = query.model_dump(mode="json", exclude={"cursor", "limit"})
    return hashlib.sha256(orjson.dumps([route, asked], option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def instant(value: object) -> datetime:
    """Return the instant of a cursor, in milliseconds since 1970.

    Raises:
        InvalidInput: it is no instant.
    """
    if not isinstance(value, int) or not 0 <= value < 10**13:
        raise InvalidInput("cursor: not one that an answer gave", "cursor")
    return datetime.fromtimestamp(value / 1000, UTC)
