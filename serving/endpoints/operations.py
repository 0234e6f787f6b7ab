"""`GET /analytics/operations/{operationId}`: the state of a requested operation."""

from starlette.requests import Request
from starlette.responses import Response

from metrics.encoding import dump_json
from serving.endpoints.access import operation
from serving.endpoints.query import (
    NoQuery,
    parse,
)
from serving.schemas.base import public_fields
from serving.schemas.work import Operation, public_history
from serving.services import services


async def operation_state(request: Request) -> Response:
    """Answer the state of a requested operation; for a history, also the progress of each of its accounts."""
    found = await operation(request)
    parse(request, NoQuery)
    data = public_fields(found, Operation, "operationId")
    if found["kind"] == "history":
        parts = services(request)
        scope = {"history.operationId": found["_id"]}
        histories = await parts.threads.run(lambda: parts.store.memories.histories(**scope))
        data["histories"] = [
            {"accountId": account_id, **public_history(history)} for account_id, history in sorted(histories.items())
        ]
    body = dump_json({"data": data})
    return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")
