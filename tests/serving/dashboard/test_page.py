"""The page shows the API's figures, fast and without errors, and shows unknown values as unknown."""

import re

import httpx
import pytest
from playwright.sync_api import Route

from metrics.documents import PLATFORMS
from metrics.redis.events import Announcer
from tests.serving.dashboard.stage import CHANGING, EMPTY, TROUBLED, WORKSPACE, Look, Stage

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "device_scale_factor": 2}
DASH = "\N{EN DASH}"


def totals(stage: Stage, **query: str) -> dict[str, float]:
    found = httpx.get(
        f"{stage.url}analytics/workspace/{WORKSPACE}/aggregated",
        params={"period": "custom", "limit": "1", **query},
        headers={"Authorization": f"Bearer {stage.key}"},
    ).json()
    metrics: dict[str, float] = found["totals"][0]["metrics"]
    return metrics


def shown_range(look: Look) -> dict[str, str]:
    return {name: look.page.input_value(f"#{field}") for name, field in (("startDate", "from"), ("endDate", "to"))}


def test_first_paint_with_data_takes_under_two_seconds(look: Look) -> None:
    # A machine that is busy with other tests may need another attempt; the page itself does not.
    taken = []
    for _ in range(5):
        look.page.goto(f"{look.stage.url}?workspace={WORKSPACE}#key={look.stage.key}")
        look.page.wait_for_selector(".figure .big")
        taken.append(look.page.evaluate("performance.getEntriesByName('figures-shown')[0].startTime"))
        if taken[-1] < 2000:
            break
        look.page.goto("about:blank")
    assert min(taken) < 2000


def test_figures_are_those_of_the_api(look: Look, stage: Stage) -> None:
    page = look.enter()
    expected = totals(stage, **shown_range(look))
    for name in ("followers", "totalEngagement", "postCount", "totalViews"):
        assert page.inner_text(f"[data-key=figure-{name}]") == f"{expected[name]:,}"
    assert page.inner_text("[data-key=figure-engagementRate]") == f"{expected['engagementRate']:.2f}\N{NO-BREAK SPACE}%"


def test_platforms_show_the_totals_of_the_api(look: Look, stage: Stage) -> None:
    """A platform of one account is shown from the rollups of that account: they are equal to the API's totals."""
    page = look.open()
    for platform in PLATFORMS:
        expected = totals(stage, **shown_range(look), platform=platform)
        for name in ("followers", "totalEngagement", "totalLikes", "postCount"):
            assert page.inner_text(f"[data-key=platform-{platform}-{name}]") == f"{expected[name]:,}"
        rate = page.inner_text(f"[data-key=platform-{platform}-engagementRate]")
        assert rate == f"{expected['engagementRate']:.2f}\N{NO-BREAK SPACE}%"


def test_whole_page_shows_without_an_error(look: Look) -> None:
    page = look.open(drawn=True)
    look.keep("desktop-light")
    assert page.inner_text("#problem") == ""
    assert page.locator("#posts tbody tr").count() == 10
    assert page.locator("#accounts tbody tr").count() == len(PLATFORMS)
    assert "No best time can be shown: nothing was said yet." in page.inner_text("#best-times")
    assert look.errors == []


def test_tables_hold_every_account_however_many_pages_that_takes(look: Look) -> None:
    def three_a_page(route: Route) -> None:
        url = httpx.URL(route.request.url)
        route.continue_(url=str(url.copy_set_param("limit", "3")) if "limit" in url.params else str(url))

    look.page.route("**/aggregated?**", three_a_page)
    page = look.open(drawn=True)
    assert page.locator("#accounts tbody progress").count() == len(PLATFORMS)
    assert page.locator("#types thead th").count() == len(PLATFORMS)


@pytest.mark.parametrize("look", [{"color_scheme": "dark"}], indirect=True)
def test_theme_follows_the_system_until_it_is_chosen(look: Look) -> None:
    page = look.open(drawn=True)
    look.keep("desktop-dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != dark
    page.click("#theme")
    assert page.evaluate(background) == dark
    assert look.errors == []


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(PHONE, id="light"),
        pytest.param({**PHONE, "color_scheme": "dark"}, id="dark", marks=pytest.mark.long),
    ],
    indirect=True,
)
def test_phone_never_scrolls_sideways(look: Look, request: pytest.FixtureRequest) -> None:
    page = look.open(drawn=True)
    look.keep(f"phone-{request.node.callspec.id}")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_unknown_is_a_dash_with_its_reason(look: Look) -> None:
    page = look.open()
    assert page.locator("#platforms td .why").first.inner_text().startswith(DASH)
    reach = page.locator("#platforms p .hint", has_text="reach")
    reach.focus()
    assert (
        page.inner_text("#tip")
        == "Not available: it counts each person once, so it cannot be added up over accounts or days"
    )
    page.keyboard.press("Escape")
    assert page.is_hidden("#tip")


def test_range_with_today_is_not_compared(look: Look) -> None:
    page = look.enter()
    today = page.evaluate("new Date().toISOString().slice(0, 10)")
    page.select_option("#range", "custom")
    page.fill("#to", today)
    page.click("#apply")
    page.wait_for_selector("#figures .why:has-text('not comparable')")
    assert "today, which is not over" in page.locator("#figures .why").first.inner_text()
    assert page.locator("#figures .delta.up, #figures .delta.down").count() == 0


def test_range_is_compared_with_the_year_before_if_asked(look: Look) -> None:
    page = look.enter()
    before = page.inner_text("#span")
    page.select_option("#against", "yoy")
    page.wait_for_selector("#figures .why:has-text('not comparable')")
    assert "not connected in one of the two ranges" in page.locator("#figures .why").first.inner_text()
    assert page.inner_text("#span") != before
    assert "the same dates a year before" in page.inner_text("#span")
    assert "against=yoy" in page.url
    page.reload()
    page.wait_for_selector("#figures .why:has-text('not comparable')")
    assert page.input_value("#against") == "yoy"
    assert look.errors == []


def test_view_is_in_the_address_and_the_key_is_not(look: Look, stage: Stage) -> None:
    page = look.open()
    page.select_option("#range", "7d")
    page.check("#by input[value=week]", force=True)
    page.click("#sort-likes")
    page.wait_for_selector("th[aria-sort] #sort-likes")
    assert re.search(rf"workspace={WORKSPACE}&range=7d&by=week&sort=likes$", page.url)
    assert stage.key not in page.url
    assert page.evaluate("[...Object.values(localStorage)].join()").find(stage.key) == -1
    page.reload()
    look.scroll()
    page.wait_for_selector("th[aria-sort] #sort-likes")
    assert page.input_value("#range") == "7d"
    page.go_back()
    page.wait_for_function("document.querySelector('#by input:checked').value === 'day'")


def test_workspace_without_data_says_so(look: Look) -> None:
    page = look.open(EMPTY)
    page.wait_for_selector(".coverage .empty")
    look.keep("empty")
    assert "Nothing was collected yet" in page.inner_text("#coverage")
    assert look.errors == []


def test_missing_data_are_named_where_they_are_missing(look: Look) -> None:
    page = look.open(TROUBLED)
    look.keep("troubled")
    assert re.search(r"Partial.*1 of \d+ hours of 1 account", page.inner_text("#coverage"))
    assert page.inner_text("#accounts .badge").startswith("Token ended")
    assert "the token has <b>expired</b>" in page.inner_text("#accounts")
    assert page.inner_text("[data-key=figure-followers]") == "50"
    assert page.locator("#figures .delta.up, #figures .delta.down").count() == 0
    assert look.errors == []


def test_accounts_that_came_or_went_are_left_out_of_the_comparison_and_named(look: Look) -> None:
    page = look.open(CHANGING)
    assert page.inner_text("[data-key=figure-followers]") == "530"
    followers = page.locator(".figure", has_text="Followers").first
    assert "±0 (±0.0\N{NO-BREAK SPACE}%)" in followers.inner_text()
    why = followers.locator(".why").get_attribute("data-tip")
    assert followers.locator(".delta .why").inner_text().startswith("without 2 accounts")
    assert why is not None
    assert "came (X): connected within one of the two ranges" in why
    assert "went (LinkedIn): disconnected within one of the two ranges" in why
    assert re.search(r"Complete.* hours of 2 accounts", page.inner_text("#coverage"))
    assert page.locator("#figures .delta.up, #figures .delta.down").count() == 0
    assert " to " in page.inner_text("#account-acc_went th")
    look.keep("changing")
    assert look.errors == []


def test_account_without_a_value_is_named_beside_the_total(look: Look) -> None:
    store, dark = look.stage.store, "acc_dark"
    store.accounts.put([{**store.accounts.get("acc_came"), "_id": dark, "platformAccountId": "dark", "handle": "dark"}])
    Announcer(look.stage.redis).announce(CHANGING)
    try:
        page = look.open(CHANGING)
        followers = page.locator(".figure", has_text="Followers").first
        assert page.inner_text("[data-key=figure-followers]") == "530"
        assert followers.locator(".hint").inner_text().startswith("without 1 account")
        assert "dark (X)" in (followers.locator(".hint").get_attribute("data-tip") or "")
        assert re.search(r"Partial.* hours of 3 accounts", page.inner_text("#coverage"))
    finally:
        store.db["accounts"].delete_one({"_id": dark})
        Announcer(look.stage.redis).announce(CHANGING)


def test_workspaces_are_chosen_from_the_list(look: Look) -> None:
    page = look.open()
    page.select_option("#workspace", EMPTY)
    page.wait_for_selector(".coverage .empty")
    assert f"workspace={EMPTY}" in page.url


def test_wrong_key_is_refused_in_one_line(look: Look, stage: Stage) -> None:
    page = look.page
    page.goto(stage.url)
    page.fill("#key", "tm_live_wrong")
    page.press("#key", "Enter")
    page.wait_for_selector("#refused:not(:empty)")
    look.keep("login")
    assert page.is_hidden("#page")
    assert page.evaluate("sessionStorage.length") == 0
    page.fill("#key", stage.key)
    page.press("#key", "Enter")
    page.wait_for_selector(".figure .big")


def test_policy_allows_no_inline_script_and_no_inline_style(stage: Stage) -> None:
    answer = httpx.get(stage.url)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|<style", answer.text)
