"""`GET` and `PUT /analytics/workspace/{id}/calendar`: where the workspace's days, weeks and fiscal years begin."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.calendars import Calendar
from metrics.calendars.countries import checked_country
from metrics.calendars.workspace import WorkspaceCalendar
from metrics.collection.calendars import request_change
from metrics.encoding import dump_json
from serving.endpoints.access import existing_workspace, key_of
from serving.endpoints.bodies import json_body
from serving.endpoints.query import NoQuery, parse
from serving.schemas.base import public_fields
from serving.schemas.calendars import CalendarToSet
from serving.schemas.work import Operation
from serving.services import services

_FRESH = {"Cache-Control": "no-store"}


async def workspace_calendar(request: Request) -> Response:
    """Answer the calendar of a workspace, the one that is being prepared, and former ones that still answer."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    parts = services(request)

    def read() -> dict[str, Any]:
        calendars = parts.store.calendars
        return described(calendars.get(workspace_id), calendars.country(workspace_id))

    return _answer(await parts.threads.run_for(key_of(request).key_id, read))


async def set_workspace_calendar(request: Request) -> Response:
    """Request another calendar: an operation derives the rollups again, and reads keep the former one until then.

    The country bounds no period: it is set at once.
    """
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts = await json_body(request, CalendarToSet), services(request)
    calendar = Calendar.parse(body.model_dump(by_alias=True, exclude_none=True, exclude={"country"}))
    country = None if body.country is None else checked_country(body.country)

    def change() -> tuple[dict[str, Any], dict[str, Any] | None]:
        parts.store.calendars.set_country(workspace_id, country)
        operation = request_change(parts.store, workspace_id, calendar)
        shown = public_fields(operation, Operation, "operationId") if operation else None
        return described(parts.store.calendars.get(workspace_id), country), shown

    found, operation = await parts.threads.run_for(key_of(request).key_id, change)
    if operation is None:
        return _answer(found)
    headers = {"Location": f"/analytics/operations/{operation['operationId']}"}
    return _answer({**found, "operation": operation}, 202, headers)


def described(calendar: WorkspaceCalendar, country: str | None) -> dict[str, Any]:
    """Return the calendars of a workspace, and its country, as the API shows them."""
    found: dict[str, Any] = _shown(calendar.current)
    if country is not None:
        found["country"] = country
    if calendar.upcoming is not None:
        found["upcoming"] = _shown(calendar.upcoming)
    if calendar.former:
        found["former"] = [{**_shown(one.calendar), "until": one.until} for one in calendar.former]
    return found


def _shown(calendar: Calendar) -> dict[str, Any]:
    return {**calendar.described(), "version": calendar.version}


def _answer(data: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(dump_json({"data": data}), status, {**_FRESH, **(headers or {})}, media_type="application/json")
