"""The open page: changes, collections, a stream that breaks and reconnects, errors, and histories."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from metrics.clock import utcnow
from metrics.collection.histories import request_histories, settle_operation
from metrics.documents import PLATFORMS
from metrics.periods import HOUR
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage
from tests.waiting import until

pytestmark = pytest.mark.browser


def test_collected_change_appears_marked_without_reload(look: Look, stage: Stage) -> None:
    account = stage.accounts()[0]
    stage.collect(account, followers=1_000)  # because in the first hour of a day nothing was collected yet
    page = look.open()
    followers = page.locator(f"[data-key=account-{account['_id']}-followers]")
    before = followers.inner_text()
    stage.collect(account, followers=1_234_567)
    expect(followers).to_have_text("1,234,567", timeout=15_000)
    expect(followers).to_have_class("changed")
    look.keep("changed")
    assert f"Followers of {account['handle']} (Facebook): 1,234,567, was {before}" in page.inner_text("#announce")
    assert "account collected" in page.inner_text("#activity")
    assert look.errors == []


@pytest.mark.parametrize("look", [{"viewport": {"width": 390, "height": 844}}], ids=["phone"], indirect=True)
def test_charts_and_best_times_are_read_when_they_come_near(look: Look, stage: Stage) -> None:
    page, asked = look.page, list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stage.url}?workspace={WORKSPACE}#key={stage.key}")
    page.wait_for_selector("#stream.live")
    page.wait_for_selector("#page[aria-busy=false]")
    assert not any("/best-times" in url or ("uplot-" in url and url.endswith(".js")) for url in asked)
    page.locator("#best-times").scroll_into_view_if_needed()
    page.wait_for_selector("#best-times :is(p, table)")
    page.locator("#charts").scroll_into_view_if_needed()
    page.wait_for_selector("#plot-rate canvas")
    assert any("/best-times" in url for url in asked)
    assert look.errors == []


def test_broken_stream_is_shown_and_resumes(look: Look, stage: Stage) -> None:
    page = look.open()
    account = stage.accounts()[1]
    stage.stop()
    try:
        expect(page.locator("#stream")).to_contain_text("Live updates are down")
        look.keep("stream-down")
        stage.collect(account, followers=7_654_321)
    finally:
        stage.start()
    expect(page.locator("#stream")).to_have_text("Live", timeout=40_000)
    expect(page.locator(f"[data-key=account-{account['_id']}-followers]")).to_have_text("7,654,321", timeout=15_000)
    assert page.inner_text("#problem") == ""


def test_collect_now_shows_its_progress(look: Look, stage: Stage) -> None:
    page = look.enter()
    page.click("#collect")
    expect(page.locator("#work")).to_contain_text("queued")
    until(lambda: bool(stage.store.operations.find(["queued"])))
    operation = stage.store.operations.find(["queued"])[0]["_id"]
    stage.store.operations.start(operation, "run")
    stage.announce_operation(operation)
    expect(page.locator("#work")).to_contain_text("running")
    assert page.is_disabled("#collect")
    stage.store.operations.report(operation, "all", {"ok": 3, "failed": 1}, 1)
    stage.announce_operation(operation)
    expect(page.locator("#work")).to_have_text("Collection partial (accounts: 3 ok, 1 failed).")
    assert page.is_enabled("#collect")


@pytest.mark.parametrize("status", [429, 503])
def test_busy_server_is_retried_after_the_time_that_it_names(look: Look, status: int) -> None:
    refusals = [1]

    def answer(route: Route) -> None:
        if refusals:
            refusals.pop()
            route.fulfill(
                status=status,
                headers={"Retry-After": "1", "Content-Type": "application/problem+json"},
                body='{"title": "Busy", "detail": "Too much at once."}',
            )
        else:
            route.continue_()

    look.page.route(f"**/workspace/{WORKSPACE}/accounts", answer)
    look.page.goto(f"{look.stage.url}?workspace={WORKSPACE}#key={look.stage.key}")
    expect(look.page.locator("#problem")).to_have_text("Too much at once. Trying again in 1 s.")
    look.page.wait_for_selector(".figure .big")
    expect(look.page.locator("#problem")).to_be_hidden()


def test_api_error_is_one_line_and_the_other_sections_stay(look: Look) -> None:
    body = '{"title": "Internal Server Error", "detail": "Something went wrong here."}'
    look.page.route("**/posts?*", lambda route: route.fulfill(status=500, body=body, content_type="application/json"))
    page = look.open()
    expect(page.locator("#problem")).to_have_text("Something went wrong here.")
    expect(page.locator("#accounts tbody tr")).to_have_count(len(PLATFORMS))


def test_progress_of_a_history_is_shown(look: Look, stage: Stage) -> None:
    account = stage.accounts()[0]
    page = look.open()
    expect(page.locator("#history")).to_be_hidden()
    operation = request_histories(stage.store, [account])[account["_id"]]["_id"]

    def keep(state: str, **fields: Any) -> None:
        history: Any = {**(stage.store.memories.history(account["_id"]) or {}), "state": state, **fields}
        assert stage.store.memories.keep_history(account["_id"], history)
        settle_operation(stage.store, operation)
        stage.announce_operation(operation)

    stage.store.operations.start(operation, "run")
    keep("running", posts={"done": 20, "expected": 1200}, days={"done": 5, "expected": 365})
    strip = page.locator("#history")
    expect(strip).to_contain_text("Reading history", timeout=15_000)
    expect(strip).to_contain_text("25 of 1,565 posts and days of 1 account")
    page.click("#history summary")
    keep("waiting", resumesAt=utcnow() + HOUR, reason="rate_limited", days={"done": 65, "expected": 365})
    expect(strip).to_contain_text("85 of 1,565", timeout=15_000)
    expect(strip.locator("li")).to_contain_text("65 of 365 days; continues at")
    expect(strip.locator("li")).to_be_visible()
    look.keep("history")
    assert "History of" in page.inner_text("#activity")
    keep("partial", reason="permission_missing", message="days: not yours", finishedAt=utcnow())
    expect(strip).to_contain_text(f"The history of {account['handle']}", timeout=15_000)
    expect(strip).to_contain_text("was not read completely")
    expect(page.locator(f"#account-{account['_id']}")).to_contain_text("History not read completely")
    keep("done", finishedAt=utcnow())
    stage.announce_operation(operation)
    expect(strip).to_be_hidden(timeout=15_000)
    assert look.errors == []
    stage.store.db["reading_memory"].delete_many({})
