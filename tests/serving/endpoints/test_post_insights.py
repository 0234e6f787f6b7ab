"""`GET …/decay`, `…/best-times` and `…/outlooks` over HTTP: what was said, or a reason; nothing of other workspaces."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from metrics import best_times as best
from metrics import content_decay as decaying
from metrics.documents import Document
from metrics.periods import DAY, HOUR, midnight
from metrics.redis.events import Announcer
from metrics.store import Store
from pipelines.insights.posts.make_outlooks import make_outlooks
from pipelines.insights.posts.say_best_times import say_best_times
from pipelines.insights.posts.say_decay import say_decay
from pipelines.insights.posts.statements import make_statements
from tests.pipelines.insights.posts.published import halving, publish
from tests.serving.conftest import NOW, account

PATH = "/analytics/workspace/w1"
YESTERDAY = midnight(NOW.date()) - DAY


def ask(client: httpx.Client, what: str, **query: str) -> Any:
    answer = client.get(f"{PATH}/{what}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.fixture
def said(seeded: Store, announcer: Announcer) -> Store:
    """Statements about 70 posts of `a1`, of the posts of `a2` in another workspace, and of `new`, which has none."""
    seeded.accounts.put([account("new", "w1")])
    for workspace_id, account_id in (("w1", "a1"), ("w2", "a2")):
        for index in range(70):
            at = NOW - index * 7 * HOUR - timedelta(minutes=70)
            curve = halving(100 + 17 * (index % 9), 4)
            publish(seeded, account_id, f"{account_id}-{index:02}", at, curve, NOW, workspace_id)
    for statements, say, age, model in (
        (seeded.content_decay, say_decay, 168, decaying.MODEL),
        (seeded.best_times, say_best_times, 48, best.MODEL),
    ):
        make_statements(seeded, statements, YESTERDAY, age=age, model=model, say=say, now=NOW, run_id="r")
    make_outlooks(seeded, NOW, now=NOW, run_id="r")
    announcer.announce("w1")
    return seeded


def test_decay_has_ages_and_a_half_life_or_the_reason(client: httpx.Client, said: Store) -> None:
    found, new = ask(client, "decay")
    assert (found["accountId"], found["metricType"], found["model"]) == ("a1", "post", "decay/1")
    assert [point["age"] for point in found["points"]] == [1, 2, 3, 6, 12, 24, 48, 72, 168]
    assert found["halfLife"]["median"] == pytest.approx(4 / (1 + 8 / 168), rel=0.1)
    assert new == {"accountId": "new", "platform": "instagram", "unavailable": {"reason": "not_yet_available"}}
    assert ask(client, "decay", accountId="a1") == [found]
    assert ask(client, "decay", accountId="a2") == [], "it is of another workspace"


def test_no_effect_is_an_answer_with_its_evidence(client: httpx.Client, said: Store) -> None:
    found = ask(client, "best-times")[0]
    assert (found["timeZone"], found["unavailable"]) == ("UTC", {"reason": "no_effect"})
    assert found["p"] > 0.05
    # Seven weekdays and the windows with enough posts, whose number depends on the hour of the test.
    assert 7 < found["tried"] <= 31
    assert "slots" not in found


def test_slots_are_answered_as_they_were_said(client: httpx.Client, said: Store) -> None:
    slot = {"weekday": 1, "hour": 18, "lift": 0.2, "lo80": 0.1, "hi80": 0.3, "posts": 12}
    newer: Document = {
        "_id": "a1|post|x", "workspaceId": "w1", "accountId": "a1", "platform": "instagram", "metricType": "post",
        "day": YESTERDAY + 7 * DAY, "madeAt": NOW, "model": "best-times/1", "runId": "r", "slots": [slot], "p": 0.01,
    }  # fmt: skip
    said.best_times.add([newer])
    assert ask(client, "best-times", accountId="a1")[0]["slots"] == [slot]


def test_outlooks_are_of_young_posts_newest_first(client: httpx.Client, said: Store) -> None:
    # The two posts of the fixture are among them.
    found = [one for one in ask(client, "outlooks") if one["postId"].startswith("a1-")]
    assert [one["postId"] for one in found] == [f"a1-{index:02}" for index in range(len(found))]
    assert len(found) > 5
    assert {one["unavailable"]["reason"] for one in found} == {"too_few_posts"}
    assert (found[0]["age"], found[0]["model"]) == (1.0, "outlook/1")
    assert ask(client, "outlooks", postId="a1-02") == [found[2]]
    assert ask(client, "outlooks", postId="a1-60")[0]["unavailable"] == {"reason": "not_yet_available"}
    assert ask(client, "outlooks", postId="a2-02") == ask(client, "outlooks", accountId="a2") == []


def test_outlook_has_value_bounds_and_back_test(client: httpx.Client, said: Store) -> None:
    values = {"value": 40.0, "lo80": 30.0, "hi80": 60.0, "lo95": 20.0, "hi95": 90.0, "probabilityTop10": 0.1}
    backtest = {"posts": 90, "error": 0.3, "errorLogLinear": 0.4, "coverage80": 0.8, "coverage95": 0.96}
    said.outlooks.add([
        {
            "_id": "p1|48", "postId": "p1", "workspaceId": "w1", "accountId": "a1", "platform": "instagram",
            "metricType": "post", "publishedAt": NOW - DAY, "age": 48.0, "engagement": 9.0, "madeAt": NOW,
            "model": "outlook/1", "runId": "r", "method": "boosted", "trainedOn": "platform", "backtest": backtest,
            "percentileOfAccount": 51.0, **values,
        }
    ])  # fmt: skip
    (found,) = ask(client, "outlooks", postId="p1")
    assert found | values | {"backtest": backtest} == found
    assert "runId" not in found
