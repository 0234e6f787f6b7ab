"""The views: filtered by a platform, one account, one post, and a workspace that the key does not open."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from metrics.documents import PLATFORMS
from tests.serving.dashboard.stage import EMPTY, TROUBLED, WORKSPACE, Look, Stage

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}}


def posts_of(look: Look) -> Any:
    rows = look.page.locator("#posts tbody tr")
    expect(rows.first).to_be_visible()
    return rows


def test_click_on_a_platform_filters_everything(look: Look) -> None:
    page = look.open(drawn=True)
    whole = page.inner_text("[data-key=figure-followers]")
    page.click("#platforms thead a:has-text('LinkedIn')")
    expect(page.locator("#filter-linkedin")).to_have_attribute("aria-current", "true")
    page.wait_for_selector("#page[aria-busy=false]")
    expect(page.locator("#accounts tbody tr")).to_have_count(1)
    expect(page.locator("#platforms thead th")).to_have_count(1)
    assert page.inner_text("[data-key=figure-followers]") != whole
    assert page.locator("#posts tbody .platform-linkedin").count() == page.locator("#posts tbody tr").count() > 0
    assert "of 1 account" in page.inner_text("#coverage")
    assert page.locator("#plot-engagement .readout .mark").count() == 1
    assert "platform=linkedin" in page.url
    page.click("#filter-all")
    expect(page.locator("[data-key=figure-followers]")).to_have_text(whole)
    assert look.errors == []


def test_account_has_a_page_with_its_own_address(look: Look, stage: Stage) -> None:
    account = stage.accounts()[0]
    page = look.open(drawn=True)
    page.click(f"#account-{account['_id']} a")
    expect(page.locator("#subject h2")).to_contain_text(account["handle"])
    expect(page.locator("#platforms")).to_be_hidden()
    assert f"account={account['_id']}" in page.url
    page.reload()
    expect(page.locator("#subject h2")).to_contain_text(account["handle"])
    look.scroll()
    assert posts_of(look).count() == page.locator(f"#posts tbody .platform-{account['platform']}").count()
    engagement = [
        int(text.replace(",", ""))
        for text in page.locator("#posts td:nth-child(3)").all_inner_texts()
        if text != "\N{EN DASH}"
    ]
    assert engagement == sorted(engagement, reverse=True)
    look.keep("account")
    page.click("#subject a")
    page.wait_for_selector("#accounts", state="visible")
    look.scroll()
    expect(page.locator("#accounts tbody tr")).to_have_count(len(PLATFORMS))
    assert "account=" not in page.url
    page.go_back()
    expect(page.locator("#subject h2")).to_contain_text(account["handle"])
    assert look.errors == []


def test_post_has_a_page_with_its_values_and_observations(look: Look, stage: Stage) -> None:
    page = look.open()
    likes = page.locator("#posts tbody tr").first.locator("[data-key$=-likes]")
    expected = likes.inner_text()
    page.locator("#posts tbody tr").first.locator("a[data-view]").click()
    expect(page.locator("[data-key=post-page-likes]")).to_have_text(expected)
    expect(page.locator("#plot-reactions canvas")).to_be_visible()
    assert page.locator("#post-table tbody tr").count() > 10
    assert "post=post_" in page.url
    expect(page.locator("#figures")).to_be_hidden()
    look.keep("post")
    page.reload()
    expect(page.locator("[data-key=post-page-likes]")).to_have_text(expected)
    assert look.errors == []


@pytest.mark.parametrize("kind", ["account", "post"])
def test_unknown_account_or_post_is_named(look: Look, stage: Stage, kind: str) -> None:
    look.page.goto(f"{stage.url}?workspace={WORKSPACE}&{kind}=nobody#key={stage.key}")
    place = "#subject" if kind == "account" else "#post-head"
    expect(look.page.locator(place)).to_contain_text(f"The workspace {WORKSPACE} has no {kind} with the id nobody.")


def test_post_of_another_workspace_is_not_shown_as_one_of_this(look: Look, stage: Stage) -> None:
    page = look.open()
    post = (page.locator("#posts tbody a").first.get_attribute("href") or "").split("post=")[1].split("&")[0]
    page.goto(f"{stage.url}?workspace={TROUBLED}&post={post}#key={stage.key}")
    page.reload()
    expect(page.locator("#post-head")).to_contain_text("has no post with the id")


def test_key_that_does_not_open_the_workspace_says_so_and_stays_so(look: Look, stage: Stage) -> None:
    key, _ = stage.store.keys.create("elsewhere", [EMPTY], ["read"])
    page = look.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stage.url}?workspace={WORKSPACE}&range=7d#key={key}")
    expect(page.locator("#gate")).to_contain_text("This key does not open this workspace")
    expect(page.locator("#gate")).to_contain_text(WORKSPACE)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#gate")).to_be_visible()
    look.keep("gate")
    assert page.is_hidden("#page")
    assert f"workspace={WORKSPACE}" in page.url
    assert not [url for url in asked if "/analytics/workspace/" in url]
    page.click(f"#gate a:has-text('{EMPTY}')")
    page.wait_for_selector("#stream.live")
    assert f"workspace={EMPTY}" in page.url
    expect(page.locator("#gate")).to_be_hidden()


def test_key_without_a_workspace_is_told_what_to_do(look: Look, stage: Stage) -> None:
    key, _ = stage.store.keys.create("lonely", [], ["read"])
    look.page.goto(f"{stage.url}#key={key}")
    expect(look.page.locator("#gate")).to_contain_text("This key opens no workspace yet")


def test_workspace_without_accounts_is_an_empty_page(look: Look, stage: Stage) -> None:
    key, _ = stage.store.keys.create("first day", ["nothing-here"], ["read"])
    page = look.open("nothing-here", key)
    expect(page.locator("#page")).to_contain_text("No account")
    assert look.errors == []


def test_csv_button_saves_the_export_of_the_range(look: Look, tmp_path: Path) -> None:
    page = look.open()
    with page.expect_download() as saved:
        page.click("#csv")
    file = tmp_path / "rollups.csv"
    saved.value.save_as(file)
    assert saved.value.suggested_filename.startswith(f"tidemark-{WORKSPACE}-aggregated-")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert {row["workspaceId"] for row in rows} == {WORKSPACE}
    assert len(rows) == 14 * len(PLATFORMS)
    assert look.errors == []


@pytest.mark.parametrize("look", [PHONE], indirect=True)
@pytest.mark.parametrize("sort", ["engagement", "saves"])
def test_sorted_column_of_top_posts_is_visible_on_a_phone(look: Look, stage: Stage, sort: str) -> None:
    look.page.goto(f"{stage.url}?workspace={WORKSPACE}&sort={sort}#key={stage.key}")
    look.scroll()
    place = look.page.locator("#posts th[aria-sort]").bounding_box()
    assert place is not None
    assert place["x"] + place["width"] <= 390


def test_pointer_shows_the_same_day_in_all_charts(look: Look) -> None:
    page = look.open(drawn=True)
    page.locator("#plot-rate .u-over").scroll_into_view_if_needed()
    page.locator("#plot-rate .u-over").hover()
    days = page.locator(".readout > b:first-child")
    expect(days.first).not_to_be_empty()
    assert len(set(days.all_inner_texts())) == 1
    assert days.count() == 4


def test_arrow_keys_move_the_cursor_of_the_charts(look: Look) -> None:
    page = look.open(drawn=True)
    page.focus("#plot-followers")
    page.keyboard.press("ArrowRight")
    first = page.inner_text("#plot-growth .readout > b:first-child")
    page.keyboard.press("ArrowRight")
    assert first
    assert page.inner_text("#plot-growth .readout > b:first-child") not in ("", first)


def me(scopes: list[str], **more: Any) -> Any:
    workspaces = [{"id": WORKSPACE, "name": "The North"}]
    return lambda route: route.fulfill(
        json={"data": {"scopes": scopes, "expiresAt": None, "workspaces": workspaces, **more}}
    )


def test_collect_now_is_off_with_a_reason_for_a_key_that_may_not_collect(look: Look, stage: Stage) -> None:
    asked: list[str] = []
    look.page.on("request", lambda request: asked.append(request.url))
    page = look.open(key=stage.reader)
    expect(page.locator("#collect")).to_have_attribute("aria-disabled", "true")
    page.click("#collect", force=True)
    page.focus("#collect")
    expect(page.locator("#tip")).to_have_text(
        "This key may read, but it may not collect: it lacks the scope “collect”."
    )
    assert not [url for url in asked if url.endswith("/collect")]


def test_key_that_expires_soon_is_announced(look: Look) -> None:
    look.page.route("**/analytics/me", me(["read", "collect"], expiresAt="2000-01-01T10:00:00Z"))
    page = look.open()
    expect(page.locator("#alerts")).to_contain_text("This key expires on 1 Jan 2000 at 10:00 UTC")
    assert page.get_attribute("#collect", "aria-disabled") is None
