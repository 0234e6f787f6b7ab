"""Tests that waiting times stated by Meta are obeyed, for single errors and for elements of a batch."""

import json
from datetime import timedelta

import pytest

from metrics.clock import utcnow
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import PlatformError, RateLimited, Transient
from pipelines.platforms.graph.client import Get, GraphApi, Result
from pipelines.platforms.http.client import Http
from tests.pipelines.platforms.conftest import TOKEN, Answering

USAGE = json.dumps({"1784": [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 42}]})


def asked(
    client: Http, server: Answering, code: int, header: str, value: str, *, alone: bool
) -> Result | PlatformError:
    """Return the error for a limit whose answer, or batch element, has a header."""
    error = {"error": {"code": code, "message": "too many"}}
    graph, tally = GraphApi(client, "v25.0"), Tally(tries=1)
    if alone:
        server.say(error, 400, **{header.replace("-", "_"): value})
        with pytest.raises(PlatformError) as caught:
            graph.get("1", TOKEN, {}, tally)
        return caught.value
    server.say([{"code": 400, "headers": [{"name": header, "value": value}], "body": json.dumps(error)}])
    (found,) = graph.batch(TOKEN, [Get("1", {})], tally)
    return found


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("code", [4, 17, 80002])
@pytest.mark.parametrize(
    ("header", "value", "minutes"),
    [
        ("Retry-After", "3600", 60),
        ("retry-after", "3600", 60),
        ("X-Business-Use-Case-Usage", USAGE, 42),
        ("x-rate-limit-reset", "in half an hour", 30),
        ("Retry-After", "99999999999999", 24 * 60),
        ("Retry-After", "soon", 15),
    ],
)
def test_limit_lasts_as_long_as_the_platform_says(
    client: Http, server: Answering, code: int, header: str, value: str, minutes: float, alone: bool
) -> None:
    if value == "in half an hour":
        value = str(int((utcnow() + timedelta(minutes=30)).timestamp()))
    found = asked(client, server, code, header, value, alone=alone)
    assert isinstance(found, RateLimited)
    assert abs(found.until - utcnow() - timedelta(minutes=minutes)) < timedelta(seconds=30)
    assert found.scope == ("app" if code == 4 else "account")


@pytest.mark.parametrize("alone", [True, False])
def test_passing_failure_is_asked_again_when_the_platform_says(client: Http, server: Answering, alone: bool) -> None:
    short = asked(client, server, 2, "Retry-After", "7", alone=alone)
    assert isinstance(short, Transient)
    assert short.retry_after == 7
    assert isinstance(asked(client, server, 2, "Retry-After", "3600", alone=alone), RateLimited)
