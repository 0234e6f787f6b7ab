"""The types of the values of query parameters: each says what it accepts, and how OpenAPI describes it."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from metrics.aggregation.sides import COMPARES, Compare
from metrics.anomalies import KINDS, STATUSES, Kind, Status
from metrics.anomalies import METRICS as WATCHED
from metrics.benchmarks.catalog import METRICS as OF_BENCHMARKS
from metrics.benchmarks.reading import BENCHMARK_PERIODS, BenchmarkPeriod
from metrics.calendars import CALENDAR_PERIODS
from metrics.catalog import COUNTERS
from metrics.definitions.changes import MAX_VERSIONS
from metrics.documents import CONTENT_TYPES, METRIC_TYPES, PLATFORMS
from metrics.forecasts import FORECASTED, HOURLY_FORECASTED
from metrics.post_content import excerpt
from metrics.redis.events import EVENT_NAMES
from metrics.watching.lists import LONGEST_GROUP
from serving.schemas.base import CAMPAIGN_PERIOD
from serving.schemas.rollups import ROLLUP_FIELDS
from serving.stream.cursor import MAX_WORKSPACES

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
_OF_CAMPAIGN = re.compile(CAMPAIGN_PERIOD)


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


def _benchmark_metrics(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else []
    if not names or not set(names) <= set(OF_BENCHMARKS) or len(set(names)) < len(names):
        raise ValueError(f"must be some of {', '.join(OF_BENCHMARKS)}, each once, separated by commas")
    return value


def whole_number(value: object) -> object:
    """Check that a text is a whole number; the number itself is parsed by the type."""
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


def _period(*values: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in values and not (isinstance(value, str) and _OF_CAMPAIGN.fullmatch(value)):
            raise ValueError(f"must be one of {', '.join(values)}, or campaign:<name>")
        return value

    return BeforeValidator(check)


def _period_schema(*values: str) -> dict[str, Any]:
    return {"pattern": f"^({'|'.join(values)}|{CAMPAIGN_PERIOD[1:-1]})$", "examples": [values[0], "campaign:spring"]}


def one_of(*values: str) -> BeforeValidator:
    """Return a check that a value is one of these; its message lists them."""

    def check(value: object) -> object:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return BeforeValidator(check)


_DAY_SCHEMA = {"pattern": "^2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", "examples": ["2026-01-15"]}
Flag = Annotated[bool, BeforeValidator(_flag)]
Day = Annotated[date, BeforeValidator(_date), Field(json_schema_extra=_DAY_SCHEMA)]
PlatformName = Annotated[str, one_of(*PLATFORMS), Field(json_schema_extra={"enum": list(PLATFORMS)})]
MetricTypeName = Annotated[str, one_of(*METRIC_TYPES), Field(json_schema_extra={"enum": list(METRIC_TYPES)})]
ContentTypeName = Annotated[str, one_of(*CONTENT_TYPES), Field(json_schema_extra={"enum": list(CONTENT_TYPES)})]
_PERIODS = (*CALENDAR_PERIODS, "custom")
PeriodName = Annotated[str, _period(*_PERIODS), Field(json_schema_extra=_period_schema(*_PERIODS))]
CompareName = Annotated[Compare, one_of(*COMPARES)]
SortName = Annotated[str, one_of(*SORTS), Field(json_schema_extra={"enum": list(SORTS)})]
OrderName = Annotated[str, one_of(*ORDERS), Field(json_schema_extra={"enum": list(ORDERS)})]
PostIds = Annotated[str, BeforeValidator(_ids), Field(json_schema_extra={"pattern": _IDS.pattern})]
GroupName = Annotated[str, one_of(*GROUPS), Field(json_schema_extra={"enum": list(GROUPS)})]
ForecastedName = Annotated[str, one_of(*FORECASTED), Field(json_schema_extra={"enum": list(FORECASTED)})]
HourlyForecastedName = Annotated[
    str, one_of(*HOURLY_FORECASTED), Field(json_schema_extra={"enum": list(HOURLY_FORECASTED)})
]
WatchedName = Annotated[str, one_of(*WATCHED), Field(json_schema_extra={"enum": list(WATCHED)})]
KindName = Annotated[Kind, one_of(*KINDS)]
StatusName = Annotated[Status, one_of(*STATUSES)]
PostsToRead = Annotated[Literal["due", "all"], one_of("due", "all")]
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
Version = Annotated[int, BeforeValidator(whole_number), Field(ge=1, le=MAX_VERSIONS)]
IntervalName = Annotated[str, _period(*INTERVALS), Field(json_schema_extra=_period_schema(*INTERVALS))]
GroupFields = Annotated[
    str,
    BeforeValidator(_group_fields),
    Field(json_schema_extra={"pattern": f"^{_GROUP_FIELD}(,{_GROUP_FIELD}){{0,{len(GROUP_FIELDS) - 1}}}$"}),
]
_BENCHMARK = f"({'|'.join(OF_BENCHMARKS)})"
BenchmarkMetrics = Annotated[
    str,
    BeforeValidator(_benchmark_metrics),
    Field(json_schema_extra={"pattern": f"^{_BENCHMARK}(,{_BENCHMARK}){{0,{len(OF_BENCHMARKS) - 1}}}$"}),
]
GroupOfWatched = Annotated[
    str, Field(min_length=1, max_length=LONGEST_GROUP, json_schema_extra={"examples": ["coffee"]})
]
SeriesScope = Annotated[Literal["accounts", "benchmarks"], one_of("accounts", "benchmarks")]
BenchmarkPeriodName = Annotated[BenchmarkPeriod, one_of(*BENCHMARK_PERIODS)]

_EVENT = f"({'|'.join(EVENT_NAMES)})"
LIST_OF_EVENTS = f"^{_EVENT}(,{_EVENT})*$"
