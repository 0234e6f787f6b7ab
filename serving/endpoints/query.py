"""Query parameters: one strict model per route."""

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import Annotated, ClassVar, Literal, Self, TypeVar, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from metrics.aggregation.sides import COMPARES, Compare
from metrics.calendars import CALENDAR_PERIODS, Calendar
from metrics.catalog import COUNTERS
from metrics.clock import utcnow
from metrics.documents import CONTENT_TYPES, METRIC_TYPES, PLATFORMS
from metrics.errors import InvalidInput
from metrics.export import DATASETS, FORMATS, Dataset, Format
from metrics.post_content import excerpt
from metrics.redis.events import EVENT_NAMES
from serving.schemas.reads import ROLLUP_FIELDS
from serving.stream.cursor import MAX_CURSOR, MAX_WORKSPACES

MAX_DAYS = 400
DEFAULT_DAYS = 30
MAX_PARAMETERS = 32
MAX_IDS = 100
SHORTEST_SEARCH, LONGEST_SEARCH = 2, 100
MAX_METRICS = 20
GROUPS = ("platform", "contentType")
GROUP_FIELDS = ("platform", "account", "contentType", "metricType")
INTERVALS = ("hourly", *CALENDAR_PERIODS, "custom")
ORDERS = ("desc", "asc")
SORTS = ("engagement", "engagementRate", "publishedAt", *COUNTERS)
_DIGITS = re.compile(r"[0-9]{1,9}")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_IDS = re.compile(rf"^[A-Za-z0-9_.:-]{{1,128}}(,[A-Za-z0-9_.:-]{{1,128}}){{0,{MAX_IDS - 1}}}$")
_METRICS = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,63}}(,[A-Za-z][A-Za-z0-9_]{{0,63}}){{0,{MAX_METRICS - 1}}}")
_FIELD = f"({'|'.join(sorted(ROLLUP_FIELDS))})"
_LIST_OF_FIELDS = f"^{_FIELD}(,{_FIELD})*$"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a date of the calendar") from None
        if 2000 <= day.year < 2200:
            return day
        raise ValueError("must be a date from 2000 to 2199")
    raise ValueError("must be a date as YYYY-MM-DD")


def _digits(value: object) -> object:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


def _flag(value: object) -> object:
    if value not in ("true", "false", False):
        raise ValueError("must be true or false")
    return value


def _ids(value: object) -> object:
    if not isinstance(value, str) or not _IDS.fullmatch(value):
        raise ValueError(f"must be 1 to {MAX_IDS} ids, separated by commas")
    return value


def _search(value: object) -> object:
    # In the form of stored captions: one line, without control characters.
    text = excerpt(value) if isinstance(value, str) and len(value) <= LONGEST_SEARCH else ""
    if len(text) < SHORTEST_SEARCH:
        raise ValueError(f"must be a text of {SHORTEST_SEARCH} to {LONGEST_SEARCH} characters")
    return text


def _workspaces(value: object) -> object:
    ids = value if isinstance(value, list) else [value]
    if len(ids) > MAX_WORKSPACES or not all(isinstance(one, str) and _ID.fullmatch(one) for one in ids):
        raise ValueError(f"must be an id, repeated for up to {MAX_WORKSPACES} workspaces")
    if len(set(ids)) < len(ids):
        raise ValueError("must name each workspace only once")
    return ids


def _fields(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else []
    if not names or not ROLLUP_FIELDS.issuperset(names):
        raise ValueError(f"must be names of metrics, separated by commas, out of {', '.join(sorted(ROLLUP_FIELDS))}")
    return value


def _one_of(*values: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return BeforeValidator(check)


_DAY_SCHEMA = {"pattern": "^2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", "examples": ["2026-01-15"]}
Flag = Annotated[bool, BeforeValidator(_flag)]
Day = Annotated[date, BeforeValidator(_date), Field(json_schema_extra=_DAY_SCHEMA)]
PlatformName = Annotated[str, _one_of(*PLATFORMS), Field(json_schema_extra={"enum": list(PLATFORMS)})]
MetricTypeName = Annotated[str, _one_of(*METRIC_TYPES), Field(json_schema_extra={"enum": list(METRIC_TYPES)})]
ContentTypeName = Annotated[str, _one_of(*CONTENT_TYPES), Field(json_schema_extra={"enum": list(CONTENT_TYPES)})]
_PERIODS = (*CALENDAR_PERIODS, "custom")
PeriodName = Annotated[str, _one_of(*_PERIODS), Field(json_schema_extra={"enum": list(_PERIODS)})]
CompareName = Annotated[Compare, _one_of(*COMPARES)]
SortName = Annotated[str, _one_of(*SORTS), Field(json_schema_extra={"enum": list(SORTS)})]
OrderName = Annotated[str, _one_of(*ORDERS), Field(json_schema_extra={"enum": list(ORDERS)})]
PostIds = Annotated[str, BeforeValidator(_ids), Field(json_schema_extra={"pattern": _IDS.pattern})]
GroupName = Annotated[str, _one_of(*GROUPS), Field(json_schema_extra={"enum": list(GROUPS)})]
PostsToRead = Annotated[Literal["due", "all"], _one_of("due", "all")]
Search = Annotated[
    str, BeforeValidator(_search), Field(json_schema_extra={"minLength": SHORTEST_SEARCH, "maxLength": LONGEST_SEARCH})
]
Fields = Annotated[str, BeforeValidator(_fields), Field(json_schema_extra={"pattern": _LIST_OF_FIELDS})]
Id = Annotated[str, Field(pattern=rf"^{_ID.pattern}$")]
WorkspaceIds = Annotated[
    tuple[str, ...],
    BeforeValidator(_workspaces),
    Field(
        json_schema_extra={
            "items": {"type": "string", "pattern": f"^{_ID.pattern}$", "examples": ["demo-north"]},
            "minItems": 1,
            "maxItems": MAX_WORKSPACES,
            "uniqueItems": True,
        }
    ),
]


class Query(BaseModel):
    """The parameters of a route; undeclared parameters are refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)


def _metrics(value: object) -> object:
    names = value.split(",") if isinstance(value, str) and _METRICS.fullmatch(value) else []
    if not names or len(names) > MAX_METRICS:
        raise ValueError(f"must be 1 to {MAX_METRICS} names of metrics, separated by commas")
    if len(set(names)) < len(names):
        raise ValueError("must name each metric only once")
    return value


def _group_fields(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else []
    if not names or not set(names) <= set(GROUP_FIELDS) or len(set(names)) < len(names):
        raise ValueError(f"must be some of {', '.join(GROUP_FIELDS)}, each once, separated by commas")
    return value


_GROUP_FIELD = f"({'|'.join(GROUP_FIELDS)})"
MetricNames = Annotated[str, BeforeValidator(_metrics), Field(json_schema_extra={"pattern": f"^{_METRICS.pattern}$"})]
IntervalName = Annotated[str, _one_of(*INTERVALS), Field(json_schema_extra={"enum": list(INTERVALS)})]
GroupFields = Annotated[
    str,
    BeforeValidator(_group_fields),
    Field(json_schema_extra={"pattern": f"^{_GROUP_FIELD}(,{_GROUP_FIELD}){{0,{len(GROUP_FIELDS) - 1}}}$"}),
]


class RangeQuery(Query):
    """A range of the workspace's days, both inclusive. Give both dates or neither; the default is the last 30 days."""

    max_days: ClassVar[int | None] = MAX_DAYS

    start_date: Day | None = Field(
        None, description="The first day, by the workspace's calendar. Without both dates: the last 30 days."
    )
    end_date: Day | None = Field(None, description="The last day, inclusive; a range has at most 400 days.")

    def days(self) -> tuple[date, date]:
        """Return the first and the last day; without dates, those in UTC, unless the query is `dated`.

        Raises:
            InvalidInput: only one date is given, the range is reversed, or it has more than 400 days.
        """
        if (self.start_date is None) != (self.end_date is None):
            missing = "startDate" if self.start_date is None else "endDate"
            raise InvalidInput(f"{missing}: give both startDate and endDate, or neither", missing)
        if self.start_date is None or self.end_date is None:
            today = utcnow().date()
            return today - timedelta(days=DEFAULT_DAYS - 1), today
        if self.end_date < self.start_date:
            raise InvalidInput("endDate: must not be before startDate", "endDate")
        if self.max_days is not None and (self.end_date - self.start_date).days >= self.max_days:
            raise InvalidInput(f"endDate: the range may have at most {self.max_days} days", "endDate")
        return self.start_date, self.end_date

    def dated(self, calendar: Calendar) -> Self:
        """Return the same query with dates: without any, those of the last 30 days of a calendar.

        Raises:
            InvalidInput: the dates are no range.
        """
        if self.start_date is not None or self.end_date is not None:
            self.days()
            return self
        today = calendar.date_of(utcnow())
        return self.model_copy(update={"start_date": today - timedelta(days=DEFAULT_DAYS - 1), "end_date": today})

    def bounds(self, calendar: Calendar) -> tuple[datetime, datetime]:
        """Return the range as instants; the end is exclusive."""
        return calendar.range_span(*self.dated(calendar).days()).bounds


class PageQuery(RangeQuery):
    """A range that is read page by page."""

    limit: Annotated[int, BeforeValidator(_digits)] = Field(
        100, ge=1, le=1000, description="The largest number of items on a page."
    )
    cursor: str | None = Field(
        None, max_length=1024, description="`page.nextCursor` of the previous page; keep the other parameters."
    )


class MetricsQuery(PageQuery):
    """Selects observations of a workspace or an account."""

    platform: PlatformName | None = None
    metric_type: MetricTypeName | None = None


class PostMetricsQuery(PageQuery):
    """Selects observations of a post."""


class AggregatedQuery(PageQuery):
    """Selects rollups."""

    period: PeriodName = Field(
        description="`daily`, `weekly` and `monthly` are stored, the others are merged from days. `rolling-7`, "
        "`rolling-28` and `rolling-90` end at each day of the range; `custom` is the whole range as one period."
    )
    platform: PlatformName | None = None
    account_id: Id | None = Field(None, description="Rollups of one account only.")
    fields: Fields | None = Field(
        None, description="Answer these metrics only: names of `aggregatedMetrics` and of totals, separated by commas.",
        examples=["followers,totalEngagement"],
    )  # fmt: skip
    group_by: GroupName | None = Field(
        None,
        description="Answer the totals of each group as well, in `groups`: of the accounts of each platform, or of the "
        "posts of each content type.",
    )
    compare: CompareName | None = Field(
        None,
        description="Compare each rollup and each total. `previous`: with the preceding period, or the range of equal "
        "length before a custom range. `yoy`: with the same period a year before, for weeks the same ISO week. "
        "`elapsed`: the whole days of an open period with as many days of the preceding one; ended periods as "
        "`previous` does.",
    )


class SeriesQuery(RangeQuery):
    """Selects metrics, the periods of their values, and the groups to divide them into."""

    max_days: ClassVar[int | None] = None

    end_date: Day | None = Field(
        None,
        description="The last day, inclusive. The range may have at most 400 periods of the interval; `hourly` at most "
        "31 days.",
    )
    metrics: MetricNames = Field(
        description=f"1 to {MAX_METRICS} names of totals, separated by commas.", examples=["followers,totalEngagement"]
    )
    interval: IntervalName = Field(
        "daily",
        description="What the values are of. `hourly`: nets of counters and levels in each hour. `rolling-7`, "
        "`rolling-28` and `rolling-90` end at each day of the range; `custom` is the whole range as one period.",
    )
    group_by: GroupFields | None = Field(
        None,
        description="Divide into groups by these fields: some of `platform`, `account`, `contentType`, `metricType`, "
        "separated by commas.",
        examples=["platform,contentType"],
    )
    platform: PlatformName | None = None
    account_id: Id | None = Field(None, description="Of one account only.")
    content_type: ContentTypeName | None = None
    compare: CompareName | None = Field(
        None,
        description="Compare the range of each series. `previous`: with the range of equal length before it. `yoy`: "
        "with the same dates a year before. `elapsed`: the whole days of an open range with as many days of the "
        "preceding one.",
    )

    @property
    def fields_of_groups(self) -> tuple[str, ...]:
        """The fields of `groupBy`."""
        return tuple(self.group_by.split(",")) if self.group_by else ()


class PostsQuery(PageQuery):
    """Selects and sorts posts."""

    sort: SortName = Field("engagement", description="The value to sort by.")
    order: OrderName = Field(
        "desc", description="`desc`: greatest value first. Posts without a value come last in both orders."
    )
    platform: PlatformName | None = None
    content_type: ContentTypeName | None = None
    account_id: Id | None = Field(None, description="Posts of one account only.")
    q: Search | None = Field(
        None, description="Only posts whose `captionExcerpt` contains this text of 2 to 100 characters; case does not "
        "count, and no character has a special meaning.",
        examples=["summer sale"],
    )  # fmt: skip
    post_ids: PostIds | None = Field(
        None, description=f"Only these posts of the range: 1 to {MAX_IDS} ids, separated by commas.",
        examples=["post_a41x,post_b07k"],
    )  # fmt: skip


class ExportQuery(RangeQuery):
    """Selects the rows of an export and the format of the file."""

    dataset: Annotated[Dataset, _one_of(*DATASETS)]
    format: Annotated[Format, _one_of(*FORMATS)]
    ticket: str | None = Field(None, max_length=128)


class NoQuery(Query):
    """The query of a route without parameters."""


class CatalogQuery(Query):
    """Selects the workspace whose own metrics are listed as well."""

    workspace_id: Id | None = Field(
        None, description="List the metrics of this workspace's own as well, in `definitions`.", examples=["demo-north"]
    )


class CollectQuery(Query):
    """Selects the posts that a collection reads."""

    posts: PostsToRead = Field(
        "due", description="`due`: the posts that their age makes due in this hour, as every hourly collection. `all`: "
        "every post of the last 90 days that still exists."
    )  # fmt: skip


class AggregateQuery(Query):
    """Selects the period to roll up."""

    date: Day = Field(description="Any day of the period.")


class InvalidateQuery(Query):
    """Selects the cached answers to drop."""

    pattern: str = Field(
        "*", min_length=1, max_length=128, pattern=r"^[A-Za-z]*:?\*?$",
        description="A kind of answer, followed by `:*`; `*` alone drops all kinds.",
        examples=["aggregated:*"],
    )  # fmt: skip


_EVENT = f"({'|'.join(EVENT_NAMES)})"
_LIST_OF_EVENTS = f"^{_EVENT}(,{_EVENT})*$"


class TicketQuery(Query):
    """Selects the kind of a ticket."""

    reconnects: Flag = Field(
        False,
        description="Whether the ticket opens a stream again when its client reconnects, as EventSource does by "
        "itself. It is then valid while a stream of it is open, and for ten minutes after.",
    )
    workspace_ids: WorkspaceIds = Field(
        (),
        alias="workspaceId",
        description=f"Bind the ticket to these workspaces: repeat the parameter for up to {MAX_WORKSPACES} of them. "
        "Without it, the ticket is for every workspace of the key.",
    )


class ConnectQuery(Query):
    """Selects the account that a person connects."""

    platform_account_id: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The platform's id of the account. A login to any other account is refused. Without it, a person "
        "whose login can read several accounts chooses among them.",
        examples=["UC0123456789abcdefghijkl"],
    )
    second_grant: Flag = Field(
        False,
        description="Whether the login adds the second grant to the account, which has to be named and connected "
        "already (TikTok's API for Business).",
    )


class StreamQuery(Query):
    """Selects the events to follow."""

    workspace_ids: WorkspaceIds = Field(
        alias="workspaceId",
        description=f"The workspace to follow; repeat the parameter to follow up to {MAX_WORKSPACES} in one stream.",
    )
    account_id: Id | None = Field(None, description="Events of one account only.")
    post_id: Id | None = Field(None, description="Events of one post only.")
    events: str | None = Field(
        None, max_length=200, description="Names of events, separated by commas; all events if it is left out.",
        json_schema_extra={"pattern": _LIST_OF_EVENTS}, examples=["metrics:update,metrics:post"],
    )  # fmt: skip
    ticket: str | None = Field(None, max_length=128)
    last_event_id: str | None = Field(
        None, max_length=MAX_CURSOR,
        description="Replay the events after the one with this id. With several workspaces it is "
        "`w1=1768474804000-0,w2=1768474790000-3`: the id of the last event of each; workspaces that it does not name "
        "are followed from now on.",
        examples=["1768474804000-0"],
    )  # fmt: skip


Q = TypeVar("Q", bound=Query)


def parse(request: Request, model: type[Q]) -> Q:
    """Return the query of a request.

    Raises:
        InvalidInput: a parameter that is no list is given twice, or there are too many parameters.
        ValidationError: a parameter is unknown, missing or wrong.
    """
    if len(request.query_params.multi_items()) > MAX_PARAMETERS:
        raise InvalidInput(f"a query may have at most {MAX_PARAMETERS} parameters")
    values: dict[str, str | list[str]] = {}
    lists = _lists(model)
    for name, value in request.query_params.multi_items():
        if name in values and name not in lists:
            raise InvalidInput(f"{name}: must be given only once", name)
        values[name] = [*values.get(name, ()), value] if name in lists else value
    return model.model_validate(values, by_alias=True, by_name=False)


@cache
def _lists(model: type[Query]) -> frozenset[str]:
    """Return the names of the parameters that may be repeated."""
    return frozenset(str(field.alias) for field in model.model_fields.values() if get_origin(field.annotation) is tuple)
