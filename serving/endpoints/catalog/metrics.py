"""`GET /analytics/metrics`: the catalog of all metrics, and on request a workspace's own."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.catalog import CATALOG, DAY_BASIS, DEFINITION_VERSION, RATE_BASIS
from metrics.encoding import dump_json
from serving.auth.authenticator import require, require_workspace
from serving.cache.answer import encode_answer
from serving.cache.plan import State
from serving.endpoints.access import require_existing
from serving.endpoints.answering import WHOLE, respond
from serving.endpoints.catalog.definitions import own_metrics
from serving.endpoints.query import CatalogQuery, parse
from serving.services import services


async def catalog(request: Request) -> Response:
    """Answer the catalog of metrics: meaning, unit, and how each platform offers them."""
    parts = services(request)
    key = await parts.auth.authenticate(request)
    require(key, "read")
    workspace_id = parse(request, CatalogQuery).workspace_id
    if workspace_id is None:
        return respond(request, await encode_answer(_catalog(), State(None, None)))
    require_workspace(key, workspace_id)

    def read() -> bytes:
        require_existing(parts.store, key, workspace_id)
        return dump_json({**_body(), "definitions": own_metrics(parts.store, workspace_id)})

    return respond(request, await encode_answer(await parts.threads.run_for(key.key_id, read), State(None, None)))


@cache
def _catalog() -> bytes:
    return dump_json(_body())


@cache
def _body() -> Mapping[str, Any]:
    data = [
        {
            "name": m.name,
            "subject": m.subject,
            "kind": m.kind,
            "unit": m.unit,
            "meaning": m.meaning,
            "addsOverTime": m.adds_over_time,
            "addsOverSubjects": m.adds_over_subjects,
            "platforms": {
                p: {
                    "field": o.field,
                    "metricTypes": o.on,
                    "since": o.since.isoformat() if o.since else None,
                    "changed": [day.isoformat() for day in o.changed],
                    "note": o.note or None,
                }
                for p, o in m.offers.items()
            },
        }
        for m in CATALOG.values()
    ]
    meta = {
        "engagementRateBasis": dict(RATE_BASIS),
        "dayBasis": dict(DAY_BASIS),
        "definitionVersion": DEFINITION_VERSION,
    }
    return {"data": data, "page": WHOLE, "meta": meta}
