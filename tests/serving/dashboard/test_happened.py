"""What was out of the ordinary: marks in charts that lead to the page "What happened", with evidence and judgements."""

from datetime import timedelta
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from metrics.anomalies import MODEL, AnomalyDocument
from metrics.clock import utcnow
from metrics.periods import DAY, HOUR, midnight
from metrics.redis.events import Announcer, anomaly_event
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def anomaly(stage: Stage, anomaly_id: str, **fields: Any) -> AnomalyDocument:
    """Store and announce an anomaly of a day of an account with history."""
    day = midnight(utcnow().date()) - 4 * DAY
    owner = stage.accounts()[0]
    document: dict[str, Any] = {
        "_id": anomaly_id, "workspaceId": WORKSPACE, "accountId": owner["_id"], "platform": owner["platform"],
        "scope": "account", "metric": "totalEngagement", "grain": "day", "from": day, "to": day + DAY, "kind": "spike",
        "direction": "up", "observed": 9000.0, "expected": 600.0, "lo": 300.0, "hi": 950.0, "score": 21.5,
        "severity": 8, "model": MODEL, "status": "open", "foundAt": day + DAY, "changedAt": day + DAY, "runId": "r",
        "evidence": {
            "history": [{"at": day - n * DAY, "value": 9000.0 if n == 0 else 600.0 + n} for n in range(27, -1, -1)],
            "similar": [], "posts": [],
        }, **fields,
    }  # fmt: skip
    found = cast("AnomalyDocument", document)
    stage.store.anomalies.write([("opened", found)])
    Announcer(stage.redis).announce(WORKSPACE, [anomaly_event("opened", found)])
    return found


@pytest.fixture(scope="module")
def events(stage: Stage) -> None:
    """An event of a day of engagement, and a fault of collection of some hours before it."""
    first = midnight(utcnow().date()) - 6 * DAY
    known = [
        {"kind": "holiday", "title": "Labor Day", "startDate": "2026-05-01", "endDate": "2026-05-01"},
        {
            "kind": "campaign", "name": "spring", "title": "<b>Spring</b> sale", "startDate": "2026-04-28",
            "endDate": "2026-05-04",
        },
    ]  # fmt: skip
    anomaly(stage, "an_spike", known=known)
    anomaly(
        stage, "an_frozen", kind="collection", metric="totalViews", grain="hour", status="ended", severity=3,
        **{"from": first, "to": first + 5 * HOUR, "evidence": {"cause": "frozen"}},
    )  # fmt: skip


def violations(page: Page, place: str) -> list[str]:
    found = Axe().run(page, {"include": [place]}).response["violations"]
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


def opened(look: Look, stage: Stage, key: str | None = None) -> Page:
    look.page.goto(f"{stage.url}?workspace={WORKSPACE}&page=happened#key={key or stage.key}")
    look.settle()
    return look.page


def test_mark_in_a_chart_leads_to_its_evidence(look: Look, stage: Stage, events: None) -> None:
    page = look.open(drawn=True)
    expect(page.locator("#happened-link")).to_contain_text("What happened (1 under way)")
    day = utcnow().date() - timedelta(days=4)
    mark = page.locator("#marks-engagement a")
    expect(mark).to_contain_text(f"▲ {day:%-d %b}, Spike of ")
    assert page.locator("#marks-followers a").count() == 0
    mark.click()
    event = page.locator("#event-an_spike")
    expect(event.locator("details")).to_have_attribute("open", "")
    expect(event).to_contain_text(
        "far above the usual; 9,000 observed, 600 expected (usually 300 to 950). Severity 8 of 10."
    )
    expect(event.locator(".known")).to_have_text(
        "Known of that time: Labor Day (holiday on 1 May 2026), "
        "<b>Spring</b> sale (campaign, 28 Apr \u2013 4 May 2026)."
    )
    expect(event.locator(".plot canvas")).to_be_visible()
    expect(event.locator("tbody tr").first).to_contain_text("in the event")
    assert violations(page, "#happened") == []
    assert look.errors == []
    look.keep("what happened")


def test_events_are_filtered_and_judged(look: Look, stage: Stage, events: None) -> None:
    page = opened(look, stage)
    expect(page.locator(".event")).to_have_count(2)
    expect(page.locator("#event-an_frozen")).to_contain_text("nothing moves any more")
    page.select_option("#happened-kind", "collection")
    expect(page.locator(".event")).to_have_count(1)
    page.select_option("#happened-kind", "")
    page.click("#seen-an_frozen")
    expect(page.locator("#event-an_frozen")).to_contain_text("Seen by browser")
    page.fill("#note-an_frozen", "The platform had an outage.")
    page.keyboard.press("Enter")
    expect(page.locator("#event-an_frozen .note")).to_have_text("The platform had an outage.")
    expect(page.locator("#event-an_frozen")).to_contain_text("Seen by browser")
    page.select_option("#happened-seen", "new")
    expect(page.locator(".event")).to_have_count(1)
    page.click("#mute-an_spike")
    expect(page.locator("#happened")).to_contain_text("No event fits the filter.")
    assert look.errors == []


def test_reader_may_not_judge(look: Look, stage: Stage, events: None) -> None:
    page = opened(look, stage, stage.reader)
    expect(page.locator("#happened")).to_contain_text("needs a key with the scope “collect”")
    assert page.locator(".event button").count() == 0
    assert look.errors == []


def test_event_that_opens_is_shown_at_once(look: Look, stage: Stage, events: None) -> None:
    page = opened(look, stage)
    anomaly(stage, "an_new", metric="followers", kind="drop", direction="down", status="open")
    expect(page.locator("#event-an_new")).to_contain_text("far below the usual")
    expect(page.locator("#activity")).to_contain_text("Out of the ordinary: follower growth of ")
    stage.store.anomalies.change(WORKSPACE, "an_new", {"status": "withdrawn"}, [])
    assert look.errors == []
