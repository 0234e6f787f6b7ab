"""The OpenAPI document is complete, describes the events correctly, and is shown as a page."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest
from httpx_sse import connect_sse

from metrics.alerts.events import alert_event
from metrics.redis.events import (
    Event,
    account_status,
    anomaly_event,
    benchmark_events,
    breakout_events,
    forecasts_event,
    observation_event,
    operation_status,
    outlooks_event,
    rollup_event,
)
from metrics.store import Store
from metrics.store.workspace.alerts import FiringDocument
from serving.description.openapi import document
from serving.endpoints.routes import OPERATIONS
from serving.schemas.events import EVENTS, ResetReason
from serving.stream.frames import ping, reset
from tests.serving.conformance import jsonschema_rs_document, validate
from tests.serving.conftest import NOW, observation, post_observation
from tests.serving.endpoints.stored_anomalies import put_anomaly, put_breakout
from tests.serving.endpoints.test_reads import rollup


def operations() -> list[dict[str, Any]]:
    return [operation for methods in jsonschema_rs_document()["paths"].values() for operation in methods.values()]


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in jsonschema_rs_document()["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            yield f"{name}.{field}", shape


def test_every_property_and_parameter_has_a_description() -> None:
    assert [name for name, shape in properties() if not shape.get("description")] == []
    assert [
        f"{operation['operationId']}: {parameter['name']}"
        for operation in operations()
        for parameter in operation["parameters"]
        if not parameter["description"]
    ] == []


def test_closed_sets_are_enumerated() -> None:
    """`state`, `status`, `period` and `reason` are words for programs: each is an enumeration wherever it occurs."""
    free = [
        name
        for name, shape in properties()
        if name.rpartition(".")[2] in ("state", "status", "period", "reason", "kind", "event")
        and "enum" not in str(shape)
        and "const" not in shape
        and name != "ProblemDetails.status"
    ]
    assert free == []


def test_every_route_is_described_once() -> None:
    described = [(m.upper(), path) for path, methods in document()["paths"].items() for m in methods]
    assert sorted(described) == sorted((o.method, o.path) for o in OPERATIONS)
    ids = [o["operationId"] for methods in document()["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_reference_resolves() -> None:
    said = jsonschema_rs_document()
    for pointer in set(
        re.findall(r'"\$ref":"#/([^"]+)"', httpx.Request("POST", "http://x", json=said).read().decode())
    ):
        at: Any = said
        for name in pointer.split("/"):
            at = at[name]


def test_examples_match_their_schemas() -> None:
    for name, schema in jsonschema_rs_document()["components"]["schemas"].items():
        for example in schema.get("examples", []):
            validate(f"#/components/schemas/{name}", example)
    for operation in operations():
        for response in (one for status, one in operation["responses"].items() if status.startswith("2")):
            examples = [content for content in response["content"].values() if "example" in content]
            assert len(examples) == 1, f"{operation['operationId']} has no example"
            if "$ref" in examples[0]["schema"]:
                validate(examples[0]["schema"]["$ref"], examples[0]["example"])
    for response in jsonschema_rs_document()["components"]["responses"].values():
        validate("#/components/schemas/ProblemDetails", response["content"]["application/problem+json"]["example"])


def events(store: Store) -> list[Event]:
    operation = store.operations.request("collect", "w1")
    finished = store.operations.finish(operation["_id"], "failed", accounts={"ok": 0, "failed": 1}, error="no")
    rolled: Any = {**rollup(1, 10), "aggregatedMetrics": {"totalLikes": 3, "postCountByType": {"image": 1}}}
    of_week: Any = {**rolled, "period": "weekly"}
    assert finished
    fired: FiringDocument = {
        "_id": "w1|few|daily|2026-01-14T00:00:00Z", "workspaceId": "w1", "alert": "few", "title": "Few",
        "metric": "totalLikes", "comparison": "falls", "threshold": 20, "period": "daily", "periodStart": NOW,
        "periodEnd": NOW, "periodLabel": "2026-01-14", "value": 3, "changePercent": -25.5, "firedAt": NOW,
        "pending": True, "nextAt": NOW, "deliveries": [],
    }  # fmt: skip
    return [
        observation_event(observation(NOW)),
        observation_event(post_observation(NOW, likes=3)),
        rollup_event(rolled),
        operation_status(operation),
        operation_status(finished),
        account_status("w1", "a1", "needs_reauth", "needs_reauth"),
        alert_event(fired),
        forecasts_event("w1", NOW, NOW, 12, 3, grain="day"),
        anomaly_event("opened", put_anomaly(store, "an_1", NOW)),
        anomaly_event("updated", put_anomaly(store, "an_2", NOW, acknowledgedBy="frontend", acknowledgedAt=NOW)),
        outlooks_event("w1", NOW, NOW),
        *benchmark_events([of_week, rolled]),
        *breakout_events("closed", put_breakout(store, "an_3", NOW, status="ended", note="Shared.")),
    ]


def sent(event: str, data: bytes) -> None:
    """Fail if an event does not match the schema of the stream."""
    value = {"event": event, "data": httpx.Response(200, content=data).json()}
    validate("#/components/schemas/StreamEvent", value)


def test_events_match_their_schemas(store: Store) -> None:
    for event in events(store):
        data = httpx.Response(200, content=event.encode()).json()
        validate(f"#/components/schemas/{EVENTS[event.name].__name__}", data)
        sent(event.name, event.encode())


def test_every_event_of_a_write_is_tried(store: Store) -> None:
    tried = {event.name for event in events(store)}
    assert tried | {"reset", "ping"} == set(EVENTS)


def test_events_of_the_server_match_their_schemas() -> None:
    for reason in get_args(ResetReason):
        sent("reset", reset("w1", reason).json)
    sent("ping", ping().json)
    sent("ping", ping(away=True).json)


def test_stream_refers_to_its_events(client: httpx.Client) -> None:
    (stream,) = (operation for operation in operations() if operation["operationId"] == "stream")
    content = stream["responses"]["200"]["content"]["text/event-stream"]
    assert content["schema"] == {"$ref": "#/components/schemas/StreamEvent"}
    union = jsonschema_rs_document()["components"]["schemas"]["StreamEvent"]
    assert set(union["discriminator"]["mapping"]) == set(EVENTS)


def test_reset_of_a_running_server_names_everything_to_read_again(client: httpx.Client) -> None:
    query = {"workspaceId": "w1", "lastEventId": "1-0"}
    with connect_sse(client, "GET", "/analytics/stream", params=query) as source:
        event = next(source.iter_sse())
    sent(event.event, event.data.encode())
    paths = event.json()["refetch"]
    assert [client.get(path).status_code for path in paths] == [200] * len(paths)
    assert {"posts", "metrics", "accounts"} <= {path.rpartition("/")[2] for path in paths}
    assert [path.partition("period=")[2] for path in paths if "period=" in path] == ["daily", "weekly", "monthly"]


def test_page_shows_every_operation_without_a_script(client: httpx.Client) -> None:
    page = client.get("/docs").text
    assert all(f'id="{operation.name}"' in page for operation in OPERATIONS)
    assert "<script" not in page
    # The URI of a post of Bluesky leads to no other host.
    assert "//" not in re.sub(r"https?://127\.0\.0\.1|at://did", "", page)


def test_unknown_path_is_told_from_an_unknown_id(client: httpx.Client) -> None:
    path, unknown = (client.get(path).json()["detail"] for path in ("/api/v1/foo", "/analytics/workspace/nobody/posts"))
    assert path == "There is no such path; /docs lists all paths."
    assert unknown == "Nothing with this id is visible to this key."


@pytest.mark.parametrize("path", ["/analytics/workspace/nobody/metrics", "/analytics/nowhere"])
def test_type_of_a_problem_links_to_its_explanation(client: httpx.Client, path: str) -> None:
    problem = client.get(path).json()
    assert (problem["instance"], bool(problem["requestId"])) == (path, True)
    page = client.get(problem["type"])
    assert (page.status_code, "or the key may not see it" in page.text) == (200, True)
    assert client.get("/problems/no-such").status_code == 404
