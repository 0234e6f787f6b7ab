"""`GET …/series`: what a chart needs, in columns: one series per metric and group, over consecutive periods."""

from dataclasses import replace
from datetime import date
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from metrics.aggregation.sides import Kind
from metrics.calendars import Calendar, Span
from metrics.clock import isoformat, utcnow
from metrics.encoding import dump_json
from metrics.errors import InvalidInput
from metrics.periods import HOUR
from serving.cache.plan import State
from serving.endpoints.access import key_of, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.benchmarks.series import benchmark_series
from serving.endpoints.coverage import accounts_of, in_scope, scope_of
from serving.endpoints.query import SeriesQuery, parse
from serving.endpoints.rollups.campaigns import campaign_of, of_campaign
from serving.endpoints.rollups.charts import Chart
from serving.endpoints.rollups.limits import check_length, check_size, described
from serving.endpoints.rollups.names import fields_for, find_metrics, versions_of
from serving.endpoints.rollups.own import check_rolling
from serving.endpoints.rollups.selection import Selection
from serving.services import services


def slots_of(selection: Selection) -> list[Span]:
    """Return the slots of the range that have begun, as periods that are labelled by their start."""
    start, end = selection.range_bounds
    end = min(end, selection.now)
    slots = []
    while start < end:
        slots.append(Span(start, start + HOUR, isoformat(start)))
        start += HOUR
    return slots


def _range_of(query: SeriesQuery, periods: list[Span], calendar: Calendar) -> tuple[date, date]:
    """Return the first and last date over which totals are: those of the periods, or of the range if they overlap."""
    if query.interval in ("hourly", "custom") or query.interval.startswith("rolling") or not periods:
        return query.days()
    return calendar.date_of(periods[0].start), calendar.date_of(periods[-1].end - HOUR)


async def series(request: Request) -> Response:
    """Answer metrics over consecutive periods, one series per metric and group, with totals and a comparison."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, SeriesQuery), services(request)
    query.days()
    if query.scope == "benchmarks":
        return await benchmark_series(request, workspace_id, query)
    if query.group is not None:
        raise InvalidInput("group: only `scope=benchmarks` has groups of watched accounts", "group")
    scope = scope_of(workspace_id, query.platform, query.account_id)

    def read(state: State) -> bytes:
        accounts = in_scope(accounts_of(parts.store, key_of(request), workspace_id), scope)
        calendars = parts.store.calendars.get(workspace_id)
        calendar = calendars.current
        campaign = campaign_of(parts.store, workspace_id, calendar, query.interval, "interval")
        dated = query.within(campaign) if campaign else query.dated(calendar)
        accounts = of_campaign(accounts, campaign)
        if campaign is None:
            check_length(dated.interval, dated.days(), calendar)
        names = query.metrics.split(",")
        metrics = find_metrics(parts.store, workspace_id, names, query.interval, query.at)
        versions = versions_of(one.definition for one in metrics if one.definition)
        consents = parts.store.consents
        whole = Selection(
            "custom",
            *dated.days(),
            calendars,
            scope,
            accounts,
            utcnow(),
            query.compare,
            consents.lacking(workspace_id),
            consents.not_stored(workspace_id),
            campaign,
        )
        hourly = query.interval == "hourly"
        kind = "custom" if campaign else query.interval
        selection = None if hourly else replace(whole, kind=cast("Kind", kind), fields=fields_for(metrics))
        periods = selection.periods if selection else slots_of(whole)
        first, last = dated.days() if campaign else _range_of(dated, periods, calendar)
        whole = replace(whole, first=first, last=last)
        if kind == "custom":
            selection = whole
        if versions and selection:
            check_rolling(query.interval, selection.spans, "interval")
        chart = Chart(
            parts.store, parts.settings, periods, selection, whole, query.fields_of_groups, query.content_type, metrics
        )
        groups = list(chart.groups())
        check_size(len(groups) * len(metrics) * len(periods))
        data: dict[str, Any] = {
            "interval": query.interval,
            "periods": [described(period) for period in periods],
            "range": described(calendar.range_span(first, last)),
            "series": [found for group in groups for found in chart.series(group, metrics)],
        }
        if query.group_by and (everything := chart.everything()):
            data["overall"] = list(chart.series(everything, metrics))
        named_calendar = {**calendar.described(), "version": calendar.version}
        named: dict[str, Any] = {"calendar": named_calendar, "dayBasis": whole.day_basis}
        named |= {"definitions": versions} if versions else {}
        body = envelope(data, dated, state, coverage=chart.coverage, **named)
        del body["page"]
        return dump_json(body)

    return await answer(request, workspace_id, "series", query, read)
