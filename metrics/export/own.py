"""Metrics of a workspace's own in exports: each daily rollup of an account gets their values over its day."""

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from metrics.batches import batched
from metrics.definitions.evaluate import Evaluation
from metrics.definitions.language.forms import Form
from metrics.definitions.scope import Scope
from metrics.documents import Document
from metrics.expected import Connection
from metrics.store import Store

_BATCH = 1000
"""Rollups whose own metrics are evaluated at once, so that memory stays flat."""


def with_own(
    store: Store,
    workspace_id: str,
    forms: Mapping[str, Form],
    accounts: Iterable[Connection],
    rollups: Iterable[Document],
) -> Generator[Document, None, None]:
    """Yield daily rollups of accounts with the values of formulas, by the name of the metric.

    The values stand beside the other metrics, reasons of unknown ones in `unavailable`, and in `parts` what the values
    were computed from.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    known = {account.account_id: account for account in accounts}
    scope = Scope(workspace_id, calendar=store.calendars.get(workspace_id).current)
    for batch in batched(rollups, _BATCH):
        spans = sorted({(one["periodStart"], one["periodEnd"]) for one in batch})
        numbers = {span: number for number, span in enumerate(spans)}
        inside = [known[name] for name in sorted({one["accountId"] for one in batch}) if name in known]
        found = {name: Evaluation(store, form, scope, spans, inside) for name, form in forms.items()}
        for one in batch:
            account = known.get(one["accountId"])
            number = numbers[one["periodStart"], one["periodEnd"]]
            yield _with(one, found, number, [account] if account else [])


def _with(rollup: Document, found: Mapping[str, Evaluation], number: int, account: list[Connection]) -> Document:
    metrics, unavailable, parts = dict(rollup["aggregatedMetrics"]), dict(rollup.get("unavailable", {})), {}
    for name, evaluation in found.items():
        value = evaluation.value(number, {}, account)
        if value.parts is None:
            unavailable[name] = value.reason
        else:
            metrics[name], parts[name] = value.value, value.parts.shown()
    shown: dict[str, Any] = {"aggregatedMetrics": metrics, "unavailable": unavailable, "parts": parts}
    return {**rollup, **shown}
