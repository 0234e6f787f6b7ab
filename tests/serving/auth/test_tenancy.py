"""Tenants are isolated: every route and method, with every kind of invalid credential and with another tenant's ids."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from statistics import median
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from pymongo import monitoring

from metrics.alerts.anomalies import NewRule, set_rule
from metrics.alerts.changes import NewAlert, set_alert
from metrics.campaigns.changes import NewCampaign, set_campaign
from metrics.clock import utcnow
from metrics.definitions.changes import NewDefinition, define
from metrics.documents import Scope
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.anomaly_alerts import AnomalyMessageDocument
from metrics.watching.lists import NewWatch, watch
from serving.__main__ import Server
from serving.auth import authenticator
from serving.endpoints.query import Query
from serving.endpoints.routes import OPERATIONS, Operation
from serving.schemas.work import PublishedPost
from tests.serving.conformance import check
from tests.serving.conftest import NOW, account, post, post_observation
from tests.serving.endpoints.stored_anomalies import put_anomaly
from tests.serving.endpoints.test_reads import rollup

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
MARKS = ("marked-handle", "marked-post", "marked-run", "marked-title", "424242", "a2", "p9", "op_marked", "an_marked")
VALUES = {
    "metrics": "followers", "metric": "followers",
    "period": "daily", "date": f"{NOW - timedelta(days=1):%Y-%m-%d}", "dataset": "metrics", "format": "ndjson",
    "workspaceId": "w1",
}  # fmt: skip


@dataclass
class Ids:
    """The ids for a path: those of one tenant, or ids that do not exist."""

    workspaceId: str
    accountId: str
    postId: str
    operationId: str
    anomalyId: str = "an_nobodys"
    period: str = "daily"
    platform: str = "youtube"
    name: str = "save_rate"
    handleOrId: str = "@rival"


MINE = Ids("w1", "a1", "p1", "op_mine", "an_mine")
THEIRS = Ids("w2", "a2", "p9", "op_marked", "an_marked")
NOBODYS = Ids("w9", "a99", "p99", "op_nobody")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with the app of one platform, so that links to its login can be made."""
    app = {"youtube_client_id": "app", "youtube_client_secret": SecretStr("secret")}
    return settings.model_copy(update={"connect_url": "https://tidemark.example.com", **app})


@pytest.fixture
def tenants(seeded: Store) -> Store:
    """Two tenants; all data of `w2` contain one of `MARKS`."""
    theirs = account("a2", "w2")
    theirs["handle"] = "marked-handle"
    theirs_post = post("p9", "a2", "w2")
    theirs_post["platformPostId"] = "marked-post"
    seeded.accounts.put([theirs])
    seeded.posts.put([theirs_post])
    observed = [post_observation(NOW - timedelta(hours=h), "p9", likes=424242) for h in (1, 2, 3)]
    for one in observed:
        object.__setattr__(one, "workspace_id", "w2")
        object.__setattr__(one, "account_id", "a2")
    seeded.observations.append(observed)
    document: dict[str, Any] = {**rollup(1, 424242), "_id": "x", "workspaceId": "w2", "accountId": "a2"}
    seeded.rollups.accounts.insert_one({**document, "runId": "marked-run"})
    define(seeded, "w2", [NewDefinition("save_rate", "marked-title", "percent(saves, views)")], NOW)
    for workspace_id, title in (("w1", "mine"), ("w2", "marked-title")):
        set_alert(seeded, workspace_id, NewAlert("save_rate", title, "totalLikes", "above", 1, "daily"), NOW)
        of_days = NewCampaign("save_rate", title, NOW.date() - timedelta(days=2), NOW.date())
        set_campaign(seeded, workspace_id, of_days, NOW, stores_content=True)
        watch(seeded, workspace_id, NewWatch("youtube", "@rival", title), NOW, 100)
    for anomaly_id, workspace_id, account_id in (("an_mine", "w1", "a1"), ("an_marked", "w2", "a2")):
        put_anomaly(seeded, anomaly_id, NOW - timedelta(hours=3), workspaceId=workspace_id, accountId=account_id)
        rule = set_rule(seeded, workspace_id, NewRule(5), NOW)
        about: AnomalyMessageDocument = {
            "_id": f"am_{anomaly_id}", "workspaceId": workspace_id, "anomalyIds": [anomaly_id], "madeAt": NOW,
            "pending": False, "nextAt": NOW, "deliveries": [],
        }  # fmt: skip
        assert seeded.anomaly_alerts.claim(rule, about, NOW)
    for operation, workspace_id in (("op_mine", "w1"), ("op_marked", "w2")):
        seeded.db["operations"].insert_one(
            {"_id": operation, "workspaceId": workspace_id, "kind": "collect", "state": "running", "createdAt": NOW,
             "updatedAt": NOW, "scopeKey": operation}
        )  # fmt: skip
    return seeded


@pytest.fixture
def anonymous(tenants: Store, live: tuple[str, Server]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live[0], timeout=30, event_hooks={"response": [check]}) as opened:
        yield opened


def query_of(operation: Operation, **changed: str) -> dict[str, str]:
    """Return values for the required parameters of an operation, replaced or completed by `changed`."""
    fields = operation.query.model_fields
    wanted = {str(f.alias): VALUES[str(f.alias)] for f in fields.values() if f.is_required()}
    return wanted | changed


def call(
    client: httpx.Client, operation: Operation, ids: Ids, *, method: str = "", key: str = "", **query: str
) -> httpx.Response:
    """Call an operation; a stream is closed after its headers."""
    path = re.sub(r"{(\w+)}", lambda m: getattr(ids, m[1]), operation.path)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"platformPostId": "17900000000000001", "publishedAt": "2026-01-15T10:00:00Z", "contentType": "image"}
    if operation.body not in (None, PublishedPost):
        body = operation.body.model_json_schema(by_alias=True)["examples"][0]
    request = client.build_request(
        method or operation.method, path, params=query_of(operation, **query), headers=headers,
        json=body if operation.body else None,
    )  # fmt: skip
    answer = client.send(request, stream=True)
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        answer.read()
    answer.close()
    return answer


def assert_silent(answer: httpx.Response) -> None:
    """Fail if an answer contains data of the other tenant; the request's own path and query may appear in it."""
    said = str(answer.headers) + (answer.text if answer.is_stream_consumed else "")
    said = said.replace(answer.request.url.path, "")
    assert not [mark for mark in MARKS if re.search(rf"\b{mark}\b", said)], (answer.request.url, said)


def same(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """Return the parts of an answer that must be equal for another tenant's id and an unknown one."""
    body = answer.json() if answer.headers["content-type"].endswith("json") and answer.content else {}
    body = {n: v for n, v in body.items() if n not in ("requestId", "instance")}
    if "meta" in body:
        body["meta"] = {n: v for n, v in body["meta"].items() if n != "generatedAt"}
    return answer.status_code, body


def made(store: Store, scopes: list[Scope], *, days: int = 1, workspaces: tuple[str, ...] = ("w1",)) -> str:
    return store.keys.create("k", workspaces, scopes, utcnow() + timedelta(days=days))[0]


def revoked(store: Store) -> str:
    key, created = store.keys.create("k", ["w1"], ["admin"])
    store.keys.revoke(created.prefix)
    return key


WRONG: dict[str, Callable[[Store], str]] = {
    "none": lambda _: "",
    "malformed": lambda _: "nonsense",
    "too long": lambda _: "tm_live_" + "x" * 200,
    "unknown": lambda _: "tm_live_" + "x" * 40,
    "expired": lambda store: made(store, ["admin"], days=-1),
    "revoked": revoked,
    "a token where none is accepted": lambda _: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_every_route_refuses_an_invalid_key(
    anonymous: httpx.Client, tenants: Store, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All routes together send more unknown keys than an address may in a minute.
    monkeypatch.setattr(authenticator, "UNKNOWN_PER_MINUTE", 1000)
    key = WRONG[wrong](tenants)
    for operation in OPERATIONS:
        for method in (operation.method, *(["HEAD"] if operation.method == "GET" else [])):
            answer = call(anonymous, operation, THEIRS, method=method, key=key)
            assert (answer.status_code, "www-authenticate" in answer.headers) == (401, True), operation.path
            assert_silent(answer)


def test_methods_that_a_route_lacks_reveal_nothing(anonymous: httpx.Client, tenants: Store) -> None:
    keys = ("", made(tenants, ["read", "collect", "admin"]))
    for operation, key in product(OPERATIONS, keys):
        offered = {o.method for o in OPERATIONS if o.path == operation.path}
        for method in METHODS:
            if method in offered or (method == "HEAD" and "GET" in offered):
                continue
            answer = call(anonymous, operation, THEIRS, method=method, key=key)
            assert answer.status_code == (204 if method == "OPTIONS" else 405), (method, operation.path)
            assert set(answer.headers["allow"].split(", ")) >= offered
            assert_silent(answer)


def test_every_route_refuses_a_key_without_its_scope(anonymous: httpx.Client, tenants: Store) -> None:
    keys = {
        "read": made(tenants, ["collect"]),
        "collect": made(tenants, ["read"]),
        "admin": made(tenants, ["read", "collect"]),
    }
    for operation in OPERATIONS:
        if operation.scope is not None:
            assert call(anonymous, operation, MINE, key=keys[operation.scope]).status_code == 403, operation.path


def test_ids_of_another_tenant_are_answered_like_unknown_ones(anonymous: httpx.Client, tenants: Store) -> None:
    mine = made(tenants, ["read", "collect", "admin"])
    for operation in OPERATIONS:
        if not re.search(r"{\w+Id}", operation.path):
            continue
        for method in (operation.method, *(["HEAD"] if operation.method == "GET" else [])):
            theirs, nobodys = (call(anonymous, operation, ids, method=method, key=mine) for ids in (THEIRS, NOBODYS))
            assert same(theirs)[0] == 404, operation.path
            assert same(theirs) == same(nobodys)
            assert_silent(theirs)


def id_parameters(query: type[Query]) -> list[str]:
    names = [str(f.alias) for f in query.model_fields.values()]
    return [n for n in names if n.endswith("Id") and n not in ("lastEventId", "platformAccountId")]


def test_ids_of_another_tenant_in_a_query_are_answered_like_unknown_ones(
    anonymous: httpx.Client, tenants: Store
) -> None:
    mine, tried = made(tenants, ["read", "collect", "admin"]), 0
    for operation in OPERATIONS:
        for name in id_parameters(operation.query):
            theirs, nobodys = (
                call(anonymous, operation, MINE, key=mine, **{name: getattr(ids, name)}) for ids in (THEIRS, NOBODYS)
            )
            assert same(theirs) == same(nobodys), (operation.path, name)
            assert_silent(theirs)
            tried += 1
    assert tried >= 4


def test_own_answers_contain_nothing_of_another_tenant(anonymous: httpx.Client, tenants: Store) -> None:
    mine = made(tenants, ["read", "collect", "admin"])
    for operation in OPERATIONS:
        answer = call(anonymous, operation, MINE, key=mine)
        assert answer.is_success, (operation.path, answer.status_code)
        assert_silent(answer)


def test_parameter_that_a_route_lacks_is_refused(anonymous: httpx.Client, tenants: Store) -> None:
    mine = made(tenants, ["read", "collect", "admin"])
    for operation in OPERATIONS:
        assert call(anonymous, operation, MINE, key=mine, nonsense="1").status_code == 400, operation.path


def test_cursor_of_another_tenant_is_refused(anonymous: httpx.Client, tenants: Store) -> None:
    theirs, mine = made(tenants, ["read"], workspaces=("w2",)), made(tenants, ["read"])
    paged = [o for o in OPERATIONS if "cursor" in o.query.model_fields and o.path.endswith("/metrics")]
    for operation in paged:
        cursor = call(anonymous, operation, THEIRS, key=theirs, limit="1").json()["page"]["nextCursor"]
        assert cursor, operation.path
        for other in (o for o in OPERATIONS if "cursor" in o.query.model_fields):
            answer = call(anonymous, other, MINE, key=mine, limit="1", cursor=cursor)
            assert answer.status_code == 400
            assert_silent(answer)


def test_ticket_has_the_rights_of_its_key(anonymous: httpx.Client, tenants: Store) -> None:
    tickets, stream = (next(o for o in OPERATIONS if o.name == name) for name in ("createTicket", "stream"))
    for query in ({"workspaceId": "w2"}, {"accountId": "a2"}, {"postId": "p9"}):
        ticket = call(anonymous, tickets, MINE, key=made(tenants, ["read"])).json()["ticket"]
        answer = call(anonymous, stream, MINE, ticket=ticket, **query)
        assert answer.status_code == 404
        assert_silent(answer)


class Queries(monitoring.CommandListener):
    """Counts the commands sent to MongoDB."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.count += event.command_name in ("find", "aggregate", "distinct", "update", "insert")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


QUERIES = Queries()
monitoring.register(QUERIES)


def test_unknown_and_foreign_ids_take_the_same_queries_and_time(anonymous: httpx.Client, tenants: Store) -> None:
    mine, theirs = made(tenants, ["read", "collect", "admin"]), made(tenants, ["read"], workspaces=("w2",))
    read = next(o for o in OPERATIONS if o.name == "accountMetrics")
    call(anonymous, read, MINE, key=mine)
    call(anonymous, read, THEIRS, key=theirs)
    asked: dict[str, list[int]] = {"theirs": [], "nobodys": []}
    spent: dict[str, list[float]] = {"theirs": [], "nobodys": []}
    for _ in range(25):
        for name, ids in (("theirs", THEIRS), ("nobodys", NOBODYS)):
            before, began = QUERIES.count, time.perf_counter()
            call(anonymous, read, ids, key=mine)
            spent[name].append(time.perf_counter() - began)
            asked[name].append(QUERIES.count - before)
    assert median(asked["theirs"]) == median(asked["nobodys"]) == 1
    assert 1 / 3 < median(spent["theirs"]) / median(spent["nobodys"]) < 3
