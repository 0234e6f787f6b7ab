"""`GET …/aggregated`: rollups, the workspace's totals of each period, and comparisons with another period."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from metrics.aggregation.post_parts import Trait
from metrics.aggregation.sides import Kind
from metrics.clock import utcnow
from metrics.encoding import dump_json
from metrics.store import Store
from serving.cache.plan import State
from serving.endpoints.access import key_of, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.coverage import accounts_of, coverage_of_days, in_scope, scope_of
from serving.endpoints.cursors import decode_cursor, encode_cursor, instant, milliseconds
from serving.endpoints.query import AggregatedQuery, parse
from serving.endpoints.rollups.campaigns import campaign_of, of_campaign
from serving.endpoints.rollups.compared import Comparisons, SidesByStart, sides_of, spans_of
from serving.endpoints.rollups.groups import keep_fields, totals_by_content_type, totals_by_platform
from serving.endpoints.rollups.names import find_own, versions_of
from serving.endpoints.rollups.own import OwnMetrics, check_rolling
from serving.endpoints.rollups.selection import Rollups, Selection
from serving.endpoints.rollups.totals import totals
from serving.services import services


def _groups(
    store: Store, by: str, selection: Selection, sides: SidesByStart, rollups: Rollups, own: OwnMetrics
) -> list[dict[str, Any]]:
    accounts = selection.accounts
    if by == "platform":
        return totals_by_platform(
            accounts, lambda some: own.added(totals(selection.of(some), sides, rollups, selection.part), some)
        )
    sums = selection.sums_by(store, rollups, ("contentType",))
    return totals_by_content_type(
        rollups, sums, lambda part, some: own.added(totals(selection, sides, some, part), accounts, part)
    )


def _with_own(page: Iterable[Mapping[str, Any]], selection: Selection, own: OwnMetrics) -> Iterator[Mapping[str, Any]]:
    """Yield the documents of accounts with the own metrics of each."""
    accounts = {account.account_id: account for account in selection.accounts}
    for document in page:
        of = accounts.get(document["accountId"])
        yield from own.added([document], [of] if of else [], values="aggregatedMetrics")


async def aggregated(request: Request) -> Response:
    """Answer the rollups of the periods that overlap the range, and the workspace's totals of each period."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, AggregatedQuery), services(request), request.url.path
    place = decode_cursor(query, route, 2)
    after = (instant(place[0]), str(place[1])) if place else None
    query.days()
    scope = scope_of(workspace_id, query.platform, query.account_id)

    names = query.include.split(",") if query.include else []

    def read(state: State) -> bytes:
        definitions = find_own(parts.store, workspace_id, names, query.at, "include")
        accounts = in_scope(accounts_of(parts.store, key_of(request), workspace_id), scope)
        consents, calendars = parts.store.consents, parts.store.calendars.get(workspace_id)
        campaign = campaign_of(parts.store, workspace_id, calendars.current, query.period, "period")
        dated = query.within(campaign) if campaign else query.dated(calendars.current)
        accounts = of_campaign(accounts, campaign)
        selection = Selection(
            cast("Kind", "custom" if campaign else query.period),
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
        if definitions:
            check_rolling(query.period, selection.spans, "period")
        sides = sides_of(parts.store, parts.settings, selection)
        rollups = selection.rollups(parts.store, spans_of(sides))
        documents = [document for span in selection.spans for document in rollups[span].values()]
        rest = [d for d in documents if after is None or (d["periodStart"], d["accountId"]) > after]
        page, cursor = rest[: query.limit], None
        if len(rest) > query.limit:
            cursor = encode_cursor(query, route, [milliseconds(page[-1]["periodStart"]), page[-1]["accountId"]])
        by_type: tuple[Trait, ...] = ("contentType",) if query.group_by == "contentType" else ()
        own = OwnMetrics(parts.store, definitions, selection, selection.spans, sides, by=by_type)
        covered = coverage_of_days(accounts, selection.days(parts.store, rollups), *selection.range_bounds)
        compared = Comparisons(selection, sides, rollups) if query.compare else None
        data: Iterable[Mapping[str, Any]] = page
        if compared is not None:
            data = ({**document, "comparison": compared.of_document(document)} for document in page)
        fields = [*query.fields.split(","), *names] if query.fields else None
        kept = keep_fields(_with_own(map(selection.named, data), selection, own), fields)
        named: dict[str, Any] = {"period": query.period, "dayBasis": selection.day_basis}
        named |= {"definitions": versions} if (versions := versions_of(definitions.values())) else {}
        body = envelope(kept, dated, state, cursor=cursor, coverage=covered, **named)
        body["totals"] = keep_fields(own.added(totals(selection, sides, rollups, selection.part), accounts), fields)
        if query.group_by:
            body["groups"] = keep_fields(_groups(parts.store, query.group_by, selection, sides, rollups, own), fields)
        return dump_json(body)

    return await answer(request, workspace_id, "aggregated", query, read)
