"""The table of all API routes with their endpoints, parameters and answers; routing and OpenAPI are made from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from metrics.documents import Scope
from metrics.export import MEDIA_TYPES
from serving.endpoints import (
    accounts,
    aggregated,
    anomalies,
    export,
    forecasts,
    me,
    observations,
    operations,
    post_insights,
    posts,
    series,
    stream,
    writes,
)
from serving.endpoints import query as queries
from serving.endpoints.benchmarks import groups as benchmark_groups
from serving.endpoints.catalog import definitions
from serving.endpoints.catalog import metrics as catalog
from serving.endpoints.configuration import alerts, anomaly_alerts, calendars, campaigns, watched
from serving.endpoints.connect import links
from serving.schemas import alerts as alert_shapes
from serving.schemas import anomalies as anomaly_shapes
from serving.schemas import anomaly_alerts as anomaly_alert_shapes
from serving.schemas import benchmarks as benchmark_shapes
from serving.schemas import calendars as calendar_shapes
from serving.schemas import campaigns as campaign_shapes
from serving.schemas import definitions as own_metrics
from serving.schemas import events as event_shapes
from serving.schemas import forecasts as forecast_shapes
from serving.schemas import keys, work
from serving.schemas import post_insights as insight_shapes
from serving.schemas import reads as read_shapes
from serving.schemas import rollups as rollup_shapes
from serving.schemas import series as series_shapes
from serving.schemas import watched as watched_shapes
from serving.schemas.base import Shape

Endpoint = Callable[[Request], Awaitable[Response]]
JSON = ("application/json",)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `answer` is the shape of its JSON, which it gives with `status`, or with one in `also` where nothing was to do.
    `cached` answers have an ETag and may be answered with 304. An operation that `has_location` answers with the header
    `Location` and takes an idempotency key. One that `may_be_impossible` may be answered with 422: the request is
    well-formed and cannot be done. With `scope` None, any valid key is accepted.
    """

    method: str
    path: str
    endpoint: Endpoint
    scope: Scope | None
    tag: str
    answer: type[BaseModel] | None = None
    query: type[queries.Query] = queries.NoQuery
    body: type[BaseModel] | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    media_types: tuple[str, ...] = JSON
    cached: bool = False
    has_location: bool = False
    may_be_impossible: bool = False

    @property
    def name(self) -> str:
        """The unique `operationId`, made from the name of the endpoint function."""
        first, *rest = self.endpoint.__name__.split("_")
        return first + "".join(word.capitalize() for word in rest)


_W = "/analytics/workspace/{workspaceId}"
_WATCHED = f"{_W}/watched/{{platform}}/{{handleOrId}}"
_A = "/analytics/account/{accountId}"
_P = "/analytics/post/{postId}"
_EVENTS = ("text/event-stream; charset=utf-8",)


def _read(
    path: str,
    endpoint: Endpoint,
    answer: type[Shape],
    query: type[queries.Query] = queries.NoQuery,
    *,
    may_be_impossible: bool = False,
) -> Operation:
    return Operation(
        "GET", path, endpoint, "read", "Reads", answer, query, cached=True, may_be_impossible=may_be_impossible
    )


def _request(
    path: str,
    endpoint: Endpoint,
    query: type[queries.Query] = queries.NoQuery,
    body: type[BaseModel] | None = None,
) -> Operation:
    return Operation(
        "POST", path, endpoint, "collect", "Writes", work.OperationAnswer, query, body, 202, has_location=True,
        may_be_impossible=True,
    )  # fmt: skip


OPERATIONS = (
    _read(f"{_W}/metrics", observations.workspace_metrics, read_shapes.Observations, queries.MetricsQuery),
    _read(f"{_A}/metrics", observations.account_metrics, read_shapes.Observations, queries.MetricsQuery),
    _read(f"{_P}/metrics", posts.post_metrics, read_shapes.PostObservations, queries.PostMetricsQuery),
    _read(f"{_W}/aggregated", aggregated.aggregated, rollup_shapes.Aggregated, queries.AggregatedQuery),
    _read(f"{_W}/series", series.series, series_shapes.Series, queries.SeriesQuery, may_be_impossible=True),
    _read(f"{_W}/forecasts", forecasts.forecasts, forecast_shapes.Forecasts, queries.ForecastsQuery),
    _read(f"{_W}/forecasts/hours", forecasts.hourly_forecasts, forecast_shapes.HourlyForecasts,
          queries.HourlyForecastsQuery),
    _read(f"{_W}/anomalies", anomalies.anomalies, anomaly_shapes.Anomalies, queries.AnomaliesQuery),
    _read(f"{_W}/benchmarks", benchmark_groups.benchmarks, benchmark_shapes.Benchmarks, queries.BenchmarksQuery,
          may_be_impossible=True),
    _read(f"{_W}/decay", post_insights.decay, insight_shapes.Decays, queries.PostInsightsQuery),
    _read(f"{_W}/best-times", post_insights.best_times, insight_shapes.BestTimes, queries.PostInsightsQuery),
    _read(f"{_W}/outlooks", post_insights.outlooks, insight_shapes.Outlooks, queries.OutlooksQuery),
    _read(f"{_W}/posts", posts.posts, read_shapes.Posts, queries.PostsQuery),
    _read(f"{_W}/accounts", accounts.accounts, read_shapes.Accounts),
    Operation("GET", f"{_W}/export", export.export, "read", "Reads", None, queries.ExportQuery,
              media_types=tuple(MEDIA_TYPES.values())),
    Operation("GET", "/analytics/me", me.me, None, "Reads", keys.Me),
    _read("/analytics/workspaces", accounts.workspaces, read_shapes.Workspaces),
    _read("/analytics/metrics", catalog.catalog, read_shapes.Catalog, queries.CatalogQuery),
    Operation("GET", "/analytics/operations/{operationId}", operations.operation_state, "read", "Reads",
              work.OperationAnswer),
    _request(f"{_W}/collect", writes.collect_workspace, queries.CollectQuery),
    _request(f"{_A}/collect", writes.collect_account, queries.CollectQuery),
    _request(f"{_W}/aggregate/{{period}}", writes.aggregate, queries.AggregateQuery),
    _request(f"{_A}/posts", writes.publish_post, body=work.PublishedPost),
    Operation("POST", f"{_W}/cache/invalidate", writes.invalidate_cache, "collect", "Writes", work.Invalidated,
              queries.InvalidateQuery),
    Operation("GET", f"{_W}/calendar", calendars.workspace_calendar, "admin", "Reads",
              calendar_shapes.WorkspaceCalendarAnswer),
    Operation("PUT", f"{_W}/calendar", calendars.set_workspace_calendar, "admin", "Writes",
              calendar_shapes.WorkspaceCalendarAnswer, body=calendar_shapes.CalendarToSet, status=202, also=(200,)),
    Operation("PUT", f"{_W}/anomalies/{{anomalyId}}", anomalies.put_anomaly, "collect", "Anomalies",
              anomaly_shapes.AnomalyAnswer, body=anomaly_shapes.AnomalyJudgement),
    Operation("GET", f"{_W}/forecast-pool", forecasts.forecast_pool, "read", "Reads",
              forecast_shapes.ForecastPoolAnswer),
    Operation("PUT", f"{_W}/forecast-pool", forecasts.put_forecast_pool, "admin", "Writes",
              forecast_shapes.ForecastPoolAnswer, body=forecast_shapes.ForecastPool),
    Operation("GET", f"{_W}/alarm-budget", anomalies.alarm_budget, "read", "Anomalies",
              anomaly_shapes.AlarmBudgetAnswer),
    Operation("PUT", f"{_W}/alarm-budget", anomalies.put_alarm_budget, "admin", "Anomalies",
              anomaly_shapes.AlarmBudgetAnswer, body=anomaly_shapes.AlarmBudget),
    Operation("PUT", f"{_W}/anomaly-alerts", anomaly_alerts.put_anomaly_alerts, "admin", "Alerts",
              anomaly_alert_shapes.AnomalyAlertsAnswer, body=anomaly_alert_shapes.AnomalyAlertsToSet),
    Operation("GET", f"{_W}/anomaly-alerts", anomaly_alerts.anomaly_alerts, "read", "Alerts",
              anomaly_alert_shapes.AnomalyAlertsAnswer),
    Operation("DELETE", f"{_W}/anomaly-alerts", anomaly_alerts.delete_anomaly_alerts, "admin", "Alerts",
              anomaly_alert_shapes.AnomalyAlertsAnswer),
    Operation("GET", f"{_W}/alerts", alerts.alerts, "read", "Alerts", anomaly_alert_shapes.Alerts),
    Operation("PUT", f"{_W}/alerts/{{name}}", alerts.put_alert, "admin", "Alerts", alert_shapes.AlertAnswer,
              body=alert_shapes.AlertToSet),
    Operation("GET", f"{_W}/alerts/{{name}}", alerts.alert, "read", "Alerts", alert_shapes.AlertAnswer),
    Operation("DELETE", f"{_W}/alerts/{{name}}", alerts.delete_alert, "admin", "Alerts", alert_shapes.AlertAnswer),
    Operation("GET", f"{_W}/campaigns", campaigns.campaigns, "read", "Campaigns", campaign_shapes.Campaigns),
    Operation("PUT", f"{_W}/campaigns/{{name}}", campaigns.put_campaign, "admin", "Campaigns",
              campaign_shapes.CampaignAnswer, body=campaign_shapes.CampaignToSet),
    Operation("GET", f"{_W}/campaigns/{{name}}", campaigns.campaign, "read", "Campaigns",
              campaign_shapes.CampaignAnswer),
    Operation("DELETE", f"{_W}/campaigns/{{name}}", campaigns.delete_campaign, "admin", "Campaigns",
              campaign_shapes.CampaignAnswer, may_be_impossible=True),
    Operation("GET", f"{_W}/watched", watched.watched_accounts, "read", "Watching", watched_shapes.WatchedAccounts),
    Operation("PUT", _WATCHED, watched.put_watched, "admin", "Watching", watched_shapes.WatchedAnswer,
              body=watched_shapes.WatchToSet, may_be_impossible=True),
    Operation("GET", _WATCHED, watched.watched, "read", "Watching", watched_shapes.WatchedAnswer),
    Operation("PUT", f"{_WATCHED}/numbers", watched.put_watched_numbers, "admin", "Watching",
              watched_shapes.EnteredAnswer, body=watched_shapes.NumbersToEnter, may_be_impossible=True),
    Operation("DELETE", _WATCHED, watched.delete_watched, "admin", "Watching", watched_shapes.WatchedAnswer),
    Operation("GET", f"{_W}/definitions", definitions.definitions, "read", "Definitions", own_metrics.Definitions),
    Operation("POST", f"{_W}/definitions/preview", definitions.preview_definition, "admin", "Definitions",
              own_metrics.Preview, body=own_metrics.PreviewedFormula),
    Operation("PUT", f"{_W}/definitions/{{name}}", definitions.put_definition, "admin", "Definitions",
              own_metrics.DefinitionAnswer, body=own_metrics.Formula),
    Operation("GET", f"{_W}/definitions/{{name}}", definitions.definition, "read", "Definitions",
              own_metrics.DefinitionAnswer),
    Operation("DELETE", f"{_W}/definitions/{{name}}", definitions.retire_definition, "admin", "Definitions",
              own_metrics.DefinitionAnswer, may_be_impossible=True),
    Operation("POST", f"{_W}/connect/{{platform}}", links.create_connect_link, "admin", "Writes", work.ConnectLink,
              queries.ConnectQuery, status=201, may_be_impossible=True),
    Operation("POST", "/analytics/stream/tickets", stream.create_ticket, "read", "Streams", work.Ticket,
              queries.TicketQuery, status=201),
    Operation("GET", "/analytics/stream", stream.stream, "read", "Streams", event_shapes.StreamEvent,
              queries.StreamQuery, media_types=_EVENTS),
)  # fmt: skip
