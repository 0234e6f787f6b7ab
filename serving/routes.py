"""Every route: what answers, what it takes, what it gives. Routing and OpenAPI are both made of this table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from serving import aggregated, export, reads, writes
from serving import query as queries
from serving.stream import route as stream

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    endpoint: Endpoint
    scope: str
    query: type[queries.Query] = queries.NoQuery
    body: type[BaseModel] | None = None
    status: int = 200
    media_type: str = "application/json"


_W = "/analytics/workspace/{workspaceId}"
_A = "/analytics/account/{accountId}"

OPERATIONS = (
    Operation("GET", f"{_W}/metrics", reads.workspace_metrics, "read", queries.MetricsQuery),
    Operation("GET", f"{_A}/metrics", reads.account_metrics, "read", queries.MetricsQuery),
    Operation("GET", "/analytics/post/{postId}/metrics", reads.post_metrics, "read", queries.PostMetricsQuery),
    Operation("GET", f"{_W}/aggregated", aggregated.aggregated, "read", queries.AggregatedQuery),
    Operation("GET", f"{_W}/posts", reads.posts, "read", queries.PostsQuery),
    Operation("GET", f"{_W}/accounts", reads.accounts, "read"),
    Operation("GET", f"{_W}/export", export.export, "read", queries.ExportQuery, media_type="application/x-ndjson"),
    Operation("GET", "/analytics/workspaces", reads.workspaces, "read"),
    Operation("GET", "/analytics/metrics", reads.catalog, "read"),
    Operation("GET", "/analytics/operations/{operationId}", reads.operation_state, "read"),
    Operation("POST", f"{_W}/collect", writes.collect_workspace, "collect", status=202),
    Operation("POST", f"{_A}/collect", writes.collect_account, "collect", status=202),
    Operation("POST", f"{_W}/aggregate/{{period}}", writes.aggregate, "collect", queries.AggregateQuery, status=202),
    Operation("POST", f"{_W}/cache/invalidate", writes.invalidate_cache, "collect", queries.InvalidateQuery),
    Operation("POST", f"{_A}/posts", writes.publish_post, "collect", body=writes.PublishedPost, status=202),
    Operation("POST", "/analytics/stream/tickets", stream.create_ticket, "read", status=201),
    Operation("GET", "/analytics/stream", stream.stream, "read", queries.StreamQuery, media_type="text/event-stream"),
)
