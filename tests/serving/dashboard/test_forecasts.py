"""What is forecast for an account: bands in its charts, rows in their tables, and words; elsewhere nothing is shown."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from metrics.clock import utcnow
from metrics.documents import AccountDocument, CollectionDocument
from metrics.forecasts import WINDOW
from metrics.periods import DAY, HOUR, midnight, slot_of
from metrics.redis.events import Announcer
from metrics.store.collections import record_id
from pipelines.insights.forecasts.make import make
from pipelines.insights.forecasts.make_hours import make_hours
from tests.pipelines.insights.forecasts.days import roll_days, weekly
from tests.pipelines.insights.forecasts.hours import growing, hourly, put_hours
from tests.serving.dashboard.stage import Look, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WORKSPACE = "foretold"
NEXT_DAYS = re.compile(
    r"The next 7 days together: [\d,]+, with a chance of 4 in 5 from [\d,]+ to [\d,]+\. Tried on 9 earlier days: "
)

NEXT_HOURS = re.compile(
    r"The 48 hours until \d+ \w+ \d\d:00 together: [\d,]+, with a chance of 4 in 5 from [\d,]+ to [\d,]+\. "
    r"Tried on \d+ earlier hours: "
)


@pytest.fixture(scope="module")
def foretold(stage: Stage) -> None:
    """An account with a history of a hundred days, one with forty, and their forecasts."""
    now = utcnow()
    yesterday = now.date() - timedelta(days=1)
    for name in ("long", "short"):
        account: AccountDocument = {
            "_id": f"acc_{name}", "workspaceId": WORKSPACE, "platform": "instagram", "platformAccountId": f"9{name}",
            "handle": name, "state": "active", "connectedAt": now - 120 * DAY,
        }  # fmt: skip
        newest = slot_of(now) - HOUR
        record: CollectionDocument = {
            "_id": record_id(account["_id"], newest), "workspaceId": WORKSPACE, "accountId": account["_id"],
            "platform": "instagram", "slot": newest, "state": "collected", "finishedAt": newest + HOUR, "runId": "r",
            "observations": 1, "calls": 1,
        }  # fmt: skip
        stage.store.accounts.put([account])
        stage.store.collections.put([record])
    roll_days(stage.store, "acc_long", yesterday, {"totalEngagement": weekly(100), "followers": weekly(100)}, WORKSPACE)
    roll_days(stage.store, "acc_short", yesterday, {"totalEngagement": weekly(20), "followers": weekly(20)}, WORKSPACE)
    make(stage.store, midnight(yesterday), now=now, run_id="r")
    # The last whole six hours; forecasts of the hours after them are made when these have ended.
    window = now.replace(hour=now.hour // 6 * 6, minute=0, second=0, microsecond=0) - WINDOW
    of_hours = {"totalEngagement": hourly(28 * 24), "followers": growing(28 * 24)}
    put_hours(stage.store, "acc_long", window + WINDOW, of_hours, workspaceId=WORKSPACE)
    make_hours(stage.store, window, now=now, run_id="r")
    Announcer(stage.redis).announce(WORKSPACE)


def test_account_shows_what_is_forecast_and_how_sure_it_is(look: Look, stage: Stage, foretold: None) -> None:
    page = look.page
    page.goto(f"{stage.url}?workspace={WORKSPACE}&account=acc_long#key={stage.key}")
    look.scroll()
    expect(page.locator("#forecast-engagement")).to_contain_text(NEXT_DAYS)
    expect(page.locator("#forecast-followers")).to_contain_text("in 4 days of 5 from")
    page.click("#details-engagement summary")
    rows = page.locator("#table-engagement tr.forecast")
    # The first of the seven days is today.
    expect(rows).to_have_count(7)
    newest = utcnow().date() + timedelta(days=6)
    expect(rows.first).to_contain_text(f"{newest:%-d %b}")
    page.hover("#plot-engagement", position={"x": 300, "y": 100})
    expect(page.locator("#plot-engagement .readout")).to_contain_text("Forecast")
    page.focus("#plot-engagement")
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#plot-engagement .readout")).to_contain_text(re.compile(r"Forecast \d+, in 4 days of 5 from"))
    found = Axe().run(page, {"include": ["#charts"]}).response["violations"]
    assert [one["id"] for one in found] == []
    assert look.errors == []
    look.keep("forecast")


def test_account_shows_the_next_two_days_by_hour(look: Look, stage: Stage, foretold: None) -> None:
    page = look.page
    page.goto(f"{stage.url}?workspace={WORKSPACE}&account=acc_long#key={stage.key}")
    look.scroll()
    card = page.locator("#hours")
    expect(card).to_contain_text(NEXT_HOURS)
    page.click("#details-hours summary")
    expect(card.locator("tr.forecast")).to_have_count(48)
    page.focus("#plot-hours")
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    expect(card.locator(".readout")).to_contain_text(re.compile(r"Forecast \d+, in 4 hours of 5 from"))
    page.select_option("#hours-of", "followers")
    expect(card).to_contain_text(re.compile(r"At \d+ \w+ \d\d:00: [\d,]+, in 4 hours of 5 from"))
    found = Axe().run(page, {"include": ["#hours"]}).response["violations"]
    assert [one["id"] for one in found] == []
    assert look.errors == []
    look.keep("hours")


def test_hours_have_words_where_nothing_is_forecast(look: Look, stage: Stage, foretold: None) -> None:
    page = look.page
    page.goto(f"{stage.url}?workspace={WORKSPACE}&account=acc_short#key={stage.key}")
    look.scroll()
    expect(page.locator("#hours .empty")).to_contain_text("No forecast of the next hours: ")
    page.goto(f"{stage.url}?workspace={WORKSPACE}&platform=instagram#key={stage.key}")
    look.scroll()
    expect(page.locator("#hours .empty")).to_contain_text("not of one platform")
    assert look.errors == []


def test_short_history_has_the_reason_in_words(look: Look, stage: Stage, foretold: None) -> None:
    look.page.goto(f"{stage.url}?workspace={WORKSPACE}&account=acc_short#key={stage.key}")
    look.scroll()
    expect(look.page.locator("#forecast-engagement")).to_have_text("No forecast: its history is too short.")
    assert look.errors == []


def test_workspace_shows_the_forecast_of_its_sum(look: Look, stage: Stage, foretold: None) -> None:
    page = look.open(WORKSPACE)
    expect(page.locator("#forecast-engagement")).to_contain_text(NEXT_DAYS)
    expect(page.locator("#forecast-engagement")).to_contain_text("Without 1 account for which nothing can be forecast.")
    assert look.errors == []


@pytest.mark.parametrize(
    "view", ["&platform=instagram", "&account=acc_long&by=week", "&account=acc_long&range=custom&from={past}&to={past}"]
)
def test_other_views_have_no_forecast(look: Look, stage: Stage, foretold: None, view: str) -> None:
    view = view.format(past=utcnow().date() - timedelta(days=20))
    look.page.goto(f"{stage.url}?workspace={WORKSPACE}{view}#key={stage.key}")
    look.scroll()
    expect(look.page.locator("#charts .card").first).to_be_visible()
    assert look.page.locator("#charts p.small:not(:empty)").count() == 0
    assert look.errors == []
