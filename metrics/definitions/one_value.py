"""The value of one metric, of the catalog or of a workspace's own, for a scope over one period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from metrics.aggregation.consents import DERIVED, left_out, without_derived
from metrics.aggregation.custom import custom_rollups
from metrics.aggregation.sides import Kind, is_stored
from metrics.aggregation.totals import NOT_SUMMED, SUMMED, PeriodRollups, workspace_totals
from metrics.definitions.evaluate import evaluate
from metrics.definitions.scope import Number, Parts, Scope
from metrics.definitions.stored import find_version
from metrics.documents import AggregatedDocument, Reason, RollupStatus
from metrics.errors import InvalidInput
from metrics.expected import Connection, Span
from metrics.periods import Period
from metrics.store import Store

TOTALS = frozenset({*SUMMED, *NOT_SUMMED, "engagementRate"})
"""The names of metrics that every workspace has, as series and totals name them."""


@dataclass(frozen=True, slots=True)
class MetricValue:
    """The value of a metric over a period, or the reason why there is none.

    `status` is that of the period for the accounts in scope, as totals have it; None if no account was expected in
    it. `missing` are the expected accounts whose number is not in the value. `parts` are those of an own metric, and
    `versions` the versions of the definitions that it depends on. `observed` is the share of the expected hours that
    were observed, from 0 to 1; it is 0 if an expected account has no rollup.
    """

    value: Number | None
    reason: Reason | None
    status: RollupStatus | None
    missing: tuple[str, ...] = ()
    parts: Parts | None = None
    versions: Mapping[str, int] | None = None
    observed: float = 0.0


def metric_value(store: Store, name: str, scope: Scope, kind: Kind, span: Span, now: datetime) -> MetricValue:
    """Return the value of a metric for the accounts and posts of a scope over one period.

    `name` is that of a total, as `totalEngagement`, or of a definition of the workspace. `span` are the bounds of a
    period of `kind` by the workspace's calendar, or of any whole days with the kind `custom`. The calendar of
    the scope is not used: the calendar that answers reads is.

    Raises:
        NotFound: there is no such metric.
        InvalidInput: the definition is retired, or a total is asked for with a scope of posts.
        MongoUnavailable: MongoDB does not answer.
    """
    calendar = store.calendars.get(scope.workspace_id).current
    scope = replace(scope, calendar=calendar)
    accounts = [one for one in store.accounts.connections([scope.workspace_id]) if scope.takes(one)]
    lacking = store.consents.lacking(scope.workspace_id)
    if name not in TOTALS:
        definition = find_version(store, scope.workspace_id, name)
        (found,) = evaluate(store, definition.checked.form, scope, [span], accounts, without_consent=lacking)
    elif scope.content_type is not None or scope.post_id is not None:
        raise InvalidInput(f"{name} is a total of accounts: define a metric to select posts", "name")
    documents = _documents(store, scope, kind if is_stored(kind, span, calendar) else None, span, accounts, now)
    withheld = left_out(accounts, lacking)
    if withheld:
        documents = without_derived(documents, withheld)
    total = workspace_totals(PeriodRollups(*span, documents), accounts, now)
    status: RollupStatus | None = total["status"] if total else None
    observed = _observed(total) if total else 0.0
    if name not in TOTALS:
        return MetricValue(found.value, found.reason, status, found.missing, found.parts, definition.versions, observed)
    if total is None:
        return MetricValue(None, "no_observation", None)
    if name in NOT_SUMMED and len(accounts) == 1:
        return replace(_of_account(documents.get(accounts[0].account_id), name, status), observed=observed)
    value: Number | None = total["metrics"].get(name)
    reason: Reason | None = None if value is not None else total["unavailable"].get(name, "not_supported")
    missing = total["missing"].get(name, ())
    if name in DERIVED and withheld:
        reason = "terms" if value is None else None
        of_terms = {one.account_id for one in accounts if one.platform in withheld}
        missing = [one for one in missing if one not in of_terms]
    return MetricValue(value, reason, status, tuple(missing), observed=observed)


def _observed(total: Mapping[str, Any]) -> float:
    coverage = total["coverage"]
    if total["accounts"] < total["expectedAccounts"] or not coverage["expectedSlots"]:
        return 0.0
    return min(1.0, float(coverage["observedSlots"] / coverage["expectedSlots"]))


def _of_account(document: AggregatedDocument | None, name: str, status: RollupStatus | None) -> MetricValue:
    if document is None or name not in document["aggregatedMetrics"]:
        reasons = document.get("unavailable", {}) if document else {}
        return MetricValue(None, reasons.get(name, "no_observation"), status)
    return MetricValue(document["aggregatedMetrics"][name], None, status)


def _documents(
    store: Store, scope: Scope, stored: Kind | None, span: Span, accounts: Sequence[Connection], now: datetime
) -> dict[str, AggregatedDocument]:
    """Return the rollups of the accounts over a span: the stored ones of a period of that kind, or merged days."""
    ids, version = [one.account_id for one in accounts], scope.calendar.version
    if stored is None:
        found = custom_rollups(
            store, scope.workspace_id, *span, connections=accounts, now=now, version=version, account_ids=ids
        )
    else:
        period = cast("Period", stored)
        found = store.rollups.aggregated(scope.workspace_id, period, *span, version=version, account_ids=ids)
    return {document["accountId"]: document for document in found if document["periodStart"] == span[0]}
