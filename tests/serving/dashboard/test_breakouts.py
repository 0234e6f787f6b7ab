"""A post that breaks out: marked among the posts and on its page, with its evidence on the page "What happened"."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from metrics.breakouts import MODEL
from metrics.clock import utcnow
from metrics.periods import DAY, HOUR
from metrics.redis.events import Announcer, breakout_events
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage
from tests.serving.endpoints.stored_anomalies import put_breakout

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def post(stage: Stage) -> Iterator[Any]:
    """The newest post that was not deleted, which breaks out."""
    now = utcnow()
    posts = stage.store.posts.published(WORKSPACE, now - timedelta(days=6), now)
    found = max((one for one in posts if "deletedAt" not in one), key=lambda one: one["publishedAt"])
    breaks_out(stage, found)
    yield found
    stage.store.db["anomalies"].delete_many({"kind": "breakout"})
    Announcer(stage.redis).announce(WORKSPACE)


def breaks_out(stage: Stage, post: Any, **fields: Any) -> None:
    at = post["publishedAt"]
    history = [{"at": at - n * DAY, "value": 200.0 + n} for n in range(20, 0, -1)] + [{"at": at, "value": 1230.0}]
    judged = {"expected": 205.0, "multiple": 6.0, "percentile": 98.0, "score": 4.1, "posts": 64, "breakout": True}
    ages = [
        {**judged, "age": 3.0, "observed": 240.0, "breakout": False},
        {**judged, "age": 6.0, "observed": 1230.0},
    ]
    put = put_breakout(
        stage.store, "an_breakout", at, workspaceId=WORKSPACE, accountId=post["accountId"], postId=post["_id"],
        platform=post["platform"], metricType=post["metricType"], model=MODEL,
        evidence={"history": history, "similar": [], "ages": ages}, **fields,
    )  # fmt: skip
    change: Any = "opened" if put["status"] == "open" else "closed"
    Announcer(stage.redis).announce(WORKSPACE, breakout_events(change, put))


def test_mark_in_the_list_leads_to_the_evidence(look: Look, stage: Stage, post: Any) -> None:
    page = look.open(drawn=True)
    page.click("#sort-publishedAt")
    mark = page.locator("#posts .badge", has_text="Breakout").locator("a")
    expect(mark).to_contain_text("6 times the usual engagement after 6 hours, not confirmed yet")
    mark.click()
    event = page.locator("#event-an_breakout")
    expect(event.locator("details")).to_have_attribute("open", "")
    expect(event).to_contain_text(
        "6 times the usual engagement after 6 hours; 1,230 observed, 205 expected (usually 70 to 610), more than 98 % "
        "of the account's last posts of this type. Severity 5 of 10."
    )
    expect(event).to_contain_text("Published ")
    expect(event.locator("table").first).to_contain_text("as usual")
    expect(event.locator("tbody").last.locator("tr").first).to_contain_text("this post")
    expect(event.locator(".plot canvas")).to_be_visible()
    found = Axe().run(page, {"include": ["#happened"]}).response["violations"]
    assert found == []
    event.locator("h3 a").first.click()
    expect(page.locator("#post-head .badge", has_text="Breakout")).to_be_visible()
    found = Axe().run(page, {"include": ["#post-head"]}).response["violations"]
    assert found == []
    assert look.errors == []


def test_confirmation_and_withdrawal_are_shown_at_once(look: Look, stage: Stage, post: Any) -> None:
    page = look.page
    page.goto(f"{stage.url}?workspace={WORKSPACE}&page=happened#key={stage.key}")
    look.settle()
    expect(page.locator("#event-an_breakout")).to_contain_text("Under way")
    breaks_out(stage, post, status="ended", age=24.0, to=post["publishedAt"] + 24 * HOUR)
    expect(page.locator("#event-an_breakout")).to_contain_text("Confirmed")
    expect(page.locator("#activity")).to_contain_text(f"Breakout confirmed: a {post['metricType']} of ")
    breaks_out(stage, post, status="withdrawn")
    expect(page.locator("#event-an_breakout")).to_contain_text("Withdrawn")
    expect(page.locator("#activity")).to_contain_text("Breakout withdrawn: a ")
    assert look.errors == []
