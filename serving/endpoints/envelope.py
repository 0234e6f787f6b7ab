"""The envelope of answers (`data`, `page` and `meta`), and the public fields of documents."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from metrics.clock import utcnow
from serving.cache.states import State
from serving.endpoints.query import Query, RangeQuery
from serving.schemas.base import Shape
from serving.schemas.work import AccountHistory

WHOLE = {"nextCursor": None, "hasMore": False, "limit": None}
"""The `page` of an answer that is not divided into pages."""


def public_fields(document: Mapping[str, Any], shape: type[Shape], id_name: str) -> dict[str, Any]:
    """Return the fields of a document that its shape declares, and its `_id` as `id_name`; all others stay private."""
    declared = _names(shape)
    return {id_name: document["_id"], **{name: value for name, value in document.items() if name in declared}}


def public_history(history: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an account's history that its shape declares; empty problems and reasons are left out."""
    declared = _names(AccountHistory)
    return {name: value for name, value in history.items() if name in declared and value not in ([], {})}


@cache
def _names(shape: type[Shape]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in shape.model_fields.items())


def envelope(data: object, query: Query, state: State, *, cursor: str | None = None, **meta: Any) -> dict[str, Any]:
    """Return the body of an answer: `data` with its `page` and its `meta`."""
    limit = getattr(query, "limit", None)
    page = {"nextCursor": cursor, "hasMore": cursor is not None, "limit": limit}
    span: dict[str, Any] = {}
    if isinstance(query, RangeQuery):
        first, last = query.days()
        span = {"startDate": first.isoformat(), "endDate": last.isoformat()}
    return {
        "data": data,
        "page": page,
        "meta": {**span, "generatedAt": utcnow(), "dataVersion": state.version, **meta},
    }
