"""`GET /analytics/metrics`: the catalog of all metrics."""

from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from metrics.catalog import CATALOG, DEFINITION_VERSION, RATE_BASIS
from metrics.encoding import dump_json
from serving.auth.authenticator import require
from serving.cache.answer import encode_answer
from serving.cache.plan import State
from serving.endpoints.answering import WHOLE, respond
from serving.endpoints.query import (
    NoQuery,
    parse,
)
from serving.services import services


async def catalog(request: Request) -> Response:
    """Answer the catalog of metrics: meaning, unit, and how each platform offers them."""
    require(await services(request).auth.authenticate(request), "read")
    parse(request, NoQuery)
    return respond(request, await encode_answer(_catalog(), State(None, None)))


@cache
def _catalog() -> bytes:
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
    meta = {"engagementRateBasis": dict(RATE_BASIS), "definitionVersion": DEFINITION_VERSION}
    return dump_json({"data": data, "page": WHOLE, "meta": meta})
