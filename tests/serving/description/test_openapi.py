"""The OpenAPI document is complete, describes the events correctly, and is shown as a page."""

import re
from typing import Any

import httpx
import pytest

from metrics.redis.events import Event, account_status, observation_event, operation_status, rollup_event
from metrics.store import Store
from serving.description.openapi import document
from serving.endpoints.routes import OPERATIONS
from serving.schemas.events import EVENTS
from tests.serving.conformance import jsonschema_rs_document, validate
from tests.serving.conftest import NOW, observation, post_observation
from tests.serving.endpoints.test_reads import rollup


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
    for response in jsonschema_rs_document()["components"]["responses"].values():
        validate("#/components/schemas/ProblemDetails", response["content"]["application/problem+json"]["example"])


def events(store: Store) -> list[Event]:
    operation = store.operations.request("collect", "w1")
    finished = store.operations.finish(operation["_id"], "failed", accounts={"ok": 0, "failed": 1}, error="no")
    rolled: Any = {**rollup(1, 10), "aggregatedMetrics": {"totalLikes": 3, "postCountByType": {"image": 1}}}
    assert finished
    return [
        observation_event(observation(NOW)),
        observation_event(post_observation(NOW, likes=3)),
        rollup_event(rolled),
        operation_status(operation),
        operation_status(finished),
        account_status("w1", "a1", "needs_reauth", "token_expired"),
    ]


def test_events_match_their_schemas(store: Store) -> None:
    for event in events(store):
        data = httpx.Response(200, content=event.encode()).json()
        validate(f"#/components/schemas/{EVENTS[event.name].__name__}", data)


def test_page_shows_every_operation_without_a_script(client: httpx.Client) -> None:
    page = client.get("/docs").text
    assert all(f'id="{operation.name}"' in page for operation in OPERATIONS)
    assert "<script" not in page
    assert "//" not in re.sub(r"https?://127\.0\.0\.1", "", page)


@pytest.mark.parametrize("path", ["/analytics/workspace/nobody/metrics", "/analytics/nowhere"])
def test_type_of_a_problem_links_to_its_explanation(client: httpx.Client, path: str) -> None:
    problem = client.get(path).json()
    assert (problem["instance"], bool(problem["requestId"])) == (path, True)
    page = client.get(problem["type"])
    assert (page.status_code, "or the key may not see it" in page.text) == (200, True)
    assert client.get("/problems/no-such").status_code == 404
