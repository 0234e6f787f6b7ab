"""Tests of the Graph API client: errors, batches and usage headers."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
    RateLimited,
    RequestRefused,
    TooMuchData,
    Transient,
)
from pipelines.platforms.graph.answers import parse_time, take_series
from pipelines.platforms.graph.client import ELEMENT_ROUNDS, MAX_BATCH, Get, GraphApi
from pipelines.platforms.graph.errors import near_limit, raise_for
from pipelines.platforms.http.client import Http
from pipelines.platforms.numbers import Numbers
from tests.pipelines.platforms.conftest import TOKEN, Answering


def decided(body: Any, status: int = 400, headers: dict[str, str] | None = None) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        raise_for(status, body, headers)
    return caught.value


def test_media_older_than_the_business_account_is_never_recoverable(fixtures: Path) -> None:
    path = fixtures / "instagram/airbyte_error_2108006_before_business_conversion.json"
    assert decided(json.loads(path.read_text())).reason == "not_recoverable"


@pytest.mark.parametrize(
    ("code", "message", "leaf"),
    [
        (1, "unknown", TooMuchData),
        (2, "down", Transient),
        (4, "app limit", RateLimited),
        (17, "user limit", RateLimited),
        (32, "page limit", RateLimited),
        (613, "custom limit", RateLimited),
        (80002, "instagram limit", RateLimited),
        (10, "(#10) Not enough viewers for the media to show insights", PostUnavailable),
        (100, "(#100) metric[0] must be one of the following values: reach", MetricRefused),
        (100, "(#100) param since cannot be in the future", RequestRefused),
        (102, "session", NeedsReauth),
        (200, "Requires business_management", PermissionMissing),
        (21, "(#21) Page ID 100 was migrated to page ID 200", AccountUnreachable),
        (803, "(#803) Some of the aliases you requested do not exist: 100", PostGone),
        (3001, "No metric was specified", BadAnswer),
    ],
)
def test_code_decides(code: int, message: str, leaf: type[PlatformError]) -> None:
    assert type(decided({"error": {"code": code, "message": message}})) is leaf


@pytest.mark.parametrize(("code", "scope"), [(4, "app"), (341, "app"), (17, "account"), (80002, "account")])
def test_limit_knows_whom_it_stops(code: int, scope: str) -> None:
    error = decided({"error": {"code": code}})
    assert isinstance(error, RateLimited)
    assert error.scope == scope


def test_wait_is_what_the_usage_header_estimates() -> None:
    usage = json.dumps({"1784": [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 42}]})
    error = decided({"error": {"code": 80002}}, headers={"x-business-use-case-usage": usage})
    assert isinstance(error, RateLimited)
    assert abs(error.until - utcnow() - timedelta(minutes=42)) < timedelta(seconds=30)


@pytest.mark.parametrize(("status", "leaf"), [(400, BadAnswer), (429, RateLimited), (500, Transient), (503, Transient)])
def test_status_decides_on_a_code_that_is_not_known(status: int, leaf: type[PlatformError]) -> None:
    assert type(decided({"error": {"code": -1, "message": "fatal"}}, status)) is leaf


@pytest.mark.parametrize("minutes", [1441, 1e12, 1e300])
def test_wait_is_a_day_at_the_most(minutes: float) -> None:
    usage = json.dumps({"1784": [{"estimated_time_to_regain_access": minutes}]})
    error = decided({"error": {"code": 80002}}, headers={"x-business-use-case-usage": usage})
    assert isinstance(error, RateLimited)
    assert abs(error.until - utcnow() - timedelta(days=1)) < timedelta(seconds=30)


@pytest.mark.parametrize("body", [{"error": "flat text"}, {}, []])
def test_error_without_envelope_is_a_bad_answer(body: Any) -> None:
    assert type(decided(body)) is BadAnswer


@pytest.mark.parametrize(("percent", "scope"), [(94, None), (95, "account"), (100, "account")])
def test_nearly_used_budget_of_an_account_is_a_pause(percent: int, scope: str | None) -> None:
    usage = json.dumps({"1784": [{"type": "instagram", "call_count": 3, "total_time": percent}]})
    limit = near_limit({"x-business-use-case-usage": usage})
    assert (limit.scope if limit else None) == scope


def test_nearly_used_budget_of_the_app_is_a_pause_for_all() -> None:
    limit = near_limit({"x-app-usage": '{"call_count": 97, "total_cputime": 1, "total_time": 2}'})
    assert limit is not None
    assert limit.scope == "app"


@pytest.mark.parametrize("header", ["", "nonsense", "[]", "null", "{}", '{"a": 1}'])
def test_unreadable_usage_is_no_pause(header: str) -> None:
    assert near_limit({"x-app-usage": header, "x-business-use-case-usage": header}) is None


def gets(count: int) -> list[Get]:
    return [Get(str(n), {"fields": "id"}) for n in range(count)]


def test_batch_keeps_order_over_several_requests(client: Http, server: Answering) -> None:
    server.element = lambda path, _: {"id": path}
    tally = Tally()
    results = GraphApi(client, "v25.0").batch(TOKEN, gets(MAX_BATCH + 3), tally)
    assert [r["id"] for r in results if not isinstance(r, PlatformError)] == [str(n) for n in range(MAX_BATCH + 3)]
    assert (tally.requests, tally.calls) == (2, MAX_BATCH + 3)


def test_null_element_is_asked_again_alone(client: Http, server: Answering) -> None:
    asked: list[str] = []

    def element(path: str, _: dict[str, str]) -> dict[str, str] | None:
        asked.append(path)
        return None if path == "1" and asked.count("1") == 1 else {"id": path}

    server.element = element
    tally = Tally()
    results = GraphApi(client, "v25.0").batch(TOKEN, gets(3), tally)
    assert results == [{"id": "0"}, {"id": "1"}, {"id": "2"}]
    assert asked == ["0", "1", "2", "1"]
    assert tally.retries == 1


def test_element_that_stays_null_is_given_up(client: Http, server: Answering) -> None:
    server.element = lambda path, _: None if path == "1" else {"id": path}
    tally = Tally()
    _, lost, _ = GraphApi(client, "v25.0").batch(TOKEN, gets(3), tally)
    assert isinstance(lost, Transient)
    assert tally.requests == ELEMENT_ROUNDS


def test_failed_element_leaves_its_neighbours(client: Http, server: Answering) -> None:
    error = {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}
    server.element = lambda path, _: error if path == "1" else {"id": path}
    first, lost, last = GraphApi(client, "v25.0").batch(TOKEN, gets(3), Tally())
    assert isinstance(lost, PostGone)
    assert (first, last) == ({"id": "0"}, {"id": "2"})


def test_dead_token_in_an_element_ends_the_batch(client: Http, server: Answering) -> None:
    server.element = lambda _path, _: {"error": {"code": 190, "error_subcode": 463, "message": "expired"}}
    with pytest.raises(NeedsReauth):
        GraphApi(client, "v25.0").batch(TOKEN, gets(3), Tally())
    assert len(server.requests) == 1


def test_usage_of_a_good_answer_is_noted(client: Http, server: Answering) -> None:
    server.say({"id": "1"}, X_App_Usage='{"call_count": 99}')
    tally = Tally()
    GraphApi(client, "v25.0").get("1", TOKEN, {"fields": "id"}, tally)
    assert tally.near_limit is not None


def test_limit_within_a_batch_keeps_what_came_before_and_asks_no_more(client: Http, server: Answering) -> None:
    limited = {"error": {"code": 80001, "message": "too many calls"}}
    server.element = lambda path, _: limited if int(path) >= 30 else {"id": path}
    tally = Tally()
    results = GraphApi(client, "v25.0").batch("t", [Get(str(n), {}) for n in range(70)], tally)
    assert [isinstance(result, RateLimited) for result in results] == [n >= 30 for n in range(70)]
    assert (len(server.requests), tally.limited) == (1, results[49])
    assert results[69] == tally.limited


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([("2026-11-10T08:00:00+0000", 5)], 5),
        ([("2026-11-10T00:00:00-08:00", 5), ("2026-11-10T08:00:00+0000", 5)], 5),
        ([("2026-11-10T08:00:00+0000", 5), ("2026-11-10T08:00:00+0000", 6)], "provider_error"),
        ([("2026-11-10T08:00:00", 5)], "not_yet_available"),
        ([("2026-11-11T08:00:00+0000", 5), (None, 5), ("2036-11-10T08:00:00+0000", 5)], "not_yet_available"),
    ],
)
def test_value_of_a_day_is_the_one_of_its_end(entries: list[tuple[str, int]], found: object) -> None:
    rows = [{"name": "reach", "values": [{"end_time": end, "value": value} for end, value in entries]}]
    numbers = Numbers()
    take_series({date(2026, 11, 9): numbers}, "reach", "reach", {"data": rows})
    assert numbers.metrics.get("reach", numbers.unavailable.get("reach")) == found


def test_page_may_date_its_history_back() -> None:
    assert parse_time("1905-01-01T08:00:00+0000").year == 1905
    with pytest.raises(ValueError, match="before the platform existed"):
        parse_time("1970-01-01T00:00:00+0000")
