"""`GET …/aggregated`: rollups, the workspace's totals of each period, and comparisons with another period."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.aggregation.consents import left_out, note_left_out, note_not_stored, without_derived
from metrics.aggregation.totals import PeriodRollups, workspace_totals
from metrics.clock import utcnow
from metrics.documents import ContentType
from metrics.encoding import dump_json
from metrics.store import Store
from serving.cache.plan import State
from serving.endpoints.access import key_of, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.compared import Comparisons, SidesByStart, sides_of, spans_of
from serving.endpoints.coverage import accounts_of, coverage_of_days, in_scope
from serving.endpoints.cursors import decode_cursor, encode_cursor, instant, milliseconds
from serving.endpoints.groups import keep_fields, totals_by_content_type, totals_by_platform
from serving.endpoints.query import AggregatedQuery, parse
from serving.endpoints.selection import Rollups, Selection
from serving.services import services


def _totals(
    selection: Selection, sides: SidesByStart, rollups: Rollups, content_type: ContentType | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the totals of every selected period in which an account is expected, oldest first.

    With a content type, `rollups` have the sums over the posts of that type. Where the totals mix several platforms,
    those without a consent that their terms demand are left out of engagement.
    """
    withheld = left_out(selection.accounts, selection.without_consent)
    if withheld:
        rollups = {span: without_derived(documents, withheld) for span, documents in rollups.items()}
    compared = Comparisons(selection, sides, rollups) if selection.query.compare else None
    for span in selection.spans:
        period = PeriodRollups(*span, rollups[span])
        total = workspace_totals(period, selection.accounts, selection.now, content_type)
        if total is not None:
            note_not_stored(total, selection.accounts, partial(selection.is_stored, start=span[0]), content_type)
            if withheld:
                note_left_out(total, selection.accounts, withheld)
            if compared is not None:
                total["comparison"] = compared.of_totals(total["periodStart"])
            yield total


def _groups(store: Store, selection: Selection, sides: SidesByStart, rollups: Rollups) -> list[dict[str, Any]]:
    if selection.query.group_by == "platform":
        accounts = selection.accounts
        return totals_by_platform(accounts, lambda some: _totals(replace(selection, accounts=some), sides, rollups))
    sums = selection.sums_by_type(store, rollups)
    return totals_by_content_type(rollups, sums, lambda name, some: _totals(selection, sides, some, name))


async def aggregated(request: Request) -> Response:
    """Answer the rollups of the periods that overlap the range, and the workspace's totals of each period."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, AggregatedQuery), services(request), request.url.path
    place = decode_cursor(query, route, 2)
    after = (instant(place[0]), str(place[1])) if place else None
    query.days()
    scope: dict[str, Any] = {"workspaceId": workspace_id}
    scope |= {"platform": query.platform} if query.platform else {}
    scope |= {"accountId": query.account_id} if query.account_id else {}

    def read(state: State) -> bytes:
        accounts = in_scope(accounts_of(parts.store, key_of(request), workspace_id), scope)
        consents = parts.store.consents
        lacking, not_stored = consents.lacking(workspace_id), consents.not_stored(workspace_id)
        selection = Selection(query, scope, accounts, utcnow(), lacking, not_stored)
        sides = sides_of(parts.store, parts.settings, selection)
        rollups = selection.rollups(parts.store, spans_of(sides))
        documents = [document for span in selection.spans for document in rollups[span].values()]
        rest = [d for d in documents if after is None or (d["periodStart"], d["accountId"]) > after]
        page, cursor = rest[: query.limit], None
        if len(rest) > query.limit:
            cursor = encode_cursor(query, route, [milliseconds(page[-1]["periodStart"]), page[-1]["accountId"]])
        covered = coverage_of_days(accounts, selection.days(parts.store, rollups), *query.bounds())
        compared = Comparisons(selection, sides, rollups) if query.compare else None
        data: Iterable[Mapping[str, Any]] = page
        if compared is not None:
            data = ({**document, "comparison": compared.of_document(document)} for document in page)
        kept = keep_fields(data, query.fields)
        body = envelope(kept, query, state, cursor=cursor, period=query.period, coverage=covered)
        body["totals"] = keep_fields(_totals(selection, sides, rollups), query.fields)
        if query.group_by:
            body["groups"] = keep_fields(_groups(parts.store, selection, sides, rollups), query.fields)
        return dump_json(body)

    return await answer(request, workspace_id, "aggregated", query, read)
