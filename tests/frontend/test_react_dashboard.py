"""The React example builds under strict types and works against the real server: reads, stream, download, errors."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from metrics.documents import PLATFORMS
from tests.frontend.conftest import Scene
from tests.frontend.react_page import Traffic, built, previewed, sign_in
from tests.serving.dashboard.stage import EMPTY, TROUBLED

pytestmark = [pytest.mark.frontend, pytest.mark.browser, pytest.mark.timeout(300)]
DASH = "\N{EN DASH}"
MOST_REQUESTS, MOST_BYTES = 5, 40_000
PHONE = {"viewport": {"width": 390, "height": 844}}
SCREENS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "dark phone": PHONE | {"color_scheme": "dark"},
}


def badge(page: Page, text: str) -> None:
    expect(page.locator(".badge")).to_have_text(text)


def whole(page: Page) -> Page:
    """Wait until the page has read everything and follows the stream."""
    badge(page, "Live")
    expect(page.locator("section[aria-busy=true]")).to_have_count(0)
    return page


def section(page: Page, title: str) -> Any:
    return page.get_by_role("region", name=title, exact=True)


def test_first_view_needs_few_requests_and_bytes(scene: Scene, page: Page) -> None:
    traffic, errors = Traffic(page), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    whole(sign_in(page, scene.url, scene.stage.key))
    requests, transferred = len(traffic.requests), traffic.transferred()
    print(f"\nfirst view of 30 days and {len(PLATFORMS)} accounts: {requests} requests, {transferred} bytes")
    assert (requests <= MOST_REQUESTS, transferred <= MOST_BYTES) == (True, True), (requests, transferred)
    assert errors == []
    expect(section(page, "Accounts").locator("tbody tr")).to_have_count(len(PLATFORMS))
    expect(section(page, "Top posts").locator("li")).to_have_count(10)
    expect(page.locator(".chart canvas")).to_be_visible()


def test_figures_are_those_of_the_api_and_unknown_ones_are_dashes(scene: Scene, page: Page) -> None:
    whole(sign_in(page, scene.url, scene.stage.key))
    with page.expect_response(lambda response: "period=custom" in response.url) as answered:
        page.get_by_label("Range").select_option("7")
    instagram = next(one for one in answered.value.json()["data"] if one["platform"] == "instagram")
    overview = section(page, "Overview")
    followers, reach, engagement = (overview.locator("dl > div").nth(n) for n in range(3))
    expect(followers.locator(".value")).to_have_text(re.compile(r"^[0-9,]+$"))
    expect(followers).to_contain_text(re.compile(r"[+-]?[0-9.,]+ %"))
    expect(engagement).to_contain_text(re.compile(r"[+-][0-9.,]+ %"))
    expect(reach).to_contain_text(f"{DASH}People cannot be added up: see each account.")
    rows = section(page, "Accounts").locator("tbody tr")
    # The platform publishes the reach of the seven days that ended last some hours after their end.
    known = instagram["aggregatedMetrics"].get("reach")
    shown = f"{DASH} nothing was observed" if known is None else f"{known:,}"
    expect(rows.filter(has_text="instagram").locator("td").nth(2)).to_contain_text(shown)
    expect(rows.filter(has_text="twitter").locator("td").nth(2)).to_have_text(f"{DASH} the platform does not offer it")


@pytest.mark.parametrize("page", SCREENS.values(), ids=SCREENS.keys(), indirect=True)
def test_page_is_accessible_and_fits(scene: Scene, page: Page) -> None:
    page.goto(scene.url)
    page.get_by_label("API key").wait_for()
    found = {"sign-in": violations(page)}
    whole(sign_in(page, scene.url, scene.stage.key))
    page.locator("summary").press("Enter")
    found["page"] = violations(page)
    assert found == {"sign-in": [], "page": []}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def violations(page: Page) -> list[str]:
    return [f"{v['id']}: {[n['html'][:160] for n in v['nodes'][:4]]}" for v in Axe().run(page).response["violations"]]


def test_update_arrives_after_the_stream_was_cut(scene: Scene, page: Page) -> None:
    whole(sign_in(page, scene.url, scene.stage.key))
    account, newest = scene.stage.accounts()[0], page.get_by_test_id("newest")
    before = newest.inner_text()
    scene.network.cut()
    badge(page, "Live updates are down; reconnecting…")
    scene.stage.collect(account, followers=7_000_000)
    assert newest.inner_text() == before
    scene.network.mend()
    badge(page, "Live")
    expect(newest).to_contain_text(re.compile(r"7,\d{3},\d{3} followers"))


def test_silent_stream_is_opened_again(scene: Scene, page: Page) -> None:
    """A proxy may keep a connection open whose other end is gone: only the missing pings tell."""
    page.clock.install()
    whole(sign_in(page, scene.url, scene.stage.key))
    with page.expect_request("**/analytics/stream?*lastEventId=*"):
        page.clock.fast_forward(76_000)
    badge(page, "Live")


def test_stream_that_the_server_ends_is_opened_again(scene: Scene, page: Page) -> None:
    whole(sign_in(page, scene.url, scene.stage.key))
    scene.stage.stop()
    badge(page, "Live updates are down; reconnecting…")
    scene.stage.start()
    badge(page, "Live")


def test_button_downloads_the_rollups(scene: Scene, page: Page, tmp_path: Path) -> None:
    whole(sign_in(page, scene.url, scene.stage.key))
    download(page, tmp_path)


def download(page: Page, folder: Path) -> None:
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download CSV").click()
    saved = folder / begun.value.suggested_filename
    begun.value.save_as(saved)
    assert re.fullmatch(r"tidemark-demo-north-aggregated-[\d-]{21}\.csv", saved.name)
    with saved.open() as lines:
        assert len({row["accountId"] for row in csv.DictReader(lines)}) == len(PLATFORMS)
    assert "tm_live_" not in begun.value.url


def test_key_that_is_not_valid_leads_back_to_the_form(scene: Scene, page: Page) -> None:
    sign_in(page, scene.url, "tm_live_nonsense")
    expect(page.get_by_role("alert")).to_contain_text("key")
    expect(page.get_by_label("API key")).to_be_visible()


def test_key_without_the_scope_is_told_so(scene: Scene, page: Page) -> None:
    key, _ = scene.stage.store.keys.create("collector", ["*"], ["collect"])
    sign_in(page, scene.url, key)
    expect(page.get_by_role("alert").first).to_contain_text("This key may not read metrics.")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_limit_is_told_with_its_wait(scene: Scene, page: Page) -> None:
    key, _ = scene.stage.store.keys.create("slow", ["*"], ["read"], rate_limit=2)
    sign_in(page, scene.url, key)
    waiting = page.locator(".problem[role=status]").first
    expect(waiting).to_contain_text("Too many requests.")
    expect(waiting).to_contain_text(re.compile(r"The page tries again by itself after \d+ s\."))


def test_outage_is_told_and_the_page_recovers(scene: Scene, page: Page) -> None:
    whole(sign_in(page, scene.url, scene.stage.key))
    scene.mongo.cut()
    page.get_by_label("Range").select_option("90")
    waiting = page.locator(".problem[role=status]").first
    expect(waiting).to_contain_text("The service is interrupted.")
    scene.mongo.mend()
    expect(page.locator(".problem")).to_have_count(0, timeout=40_000)
    expect(section(page, "Accounts").locator("tbody tr")).to_have_count(len(PLATFORMS))


def test_workspace_without_values_shows_no_zero(scene: Scene, page: Page) -> None:
    whole(sign_in(page, scene.url, scene.stage.key, EMPTY))
    expect(section(page, "Overview")).to_contain_text("No account was connected in this range.")
    expect(section(page, "Top posts")).to_contain_text("No post was published in this range.")
    expect(section(page, "Followers by day")).to_contain_text("Nothing was observed yet.")
    expect(page.get_by_test_id("newest")).to_have_count(0)


def test_partial_range_is_told_as_such(scene: Scene, page: Page) -> None:
    whole(sign_in(page, scene.url, scene.stage.key, TROUBLED))
    expect(section(page, "Overview")).to_contain_text(re.compile(r"Partial: 1 of \d+ hours were observed\."))
    expect(section(page, "Overview").locator("dl > div").nth(2)).to_contain_text(f"{DASH}Unknown:")
    expect(section(page, "Accounts")).to_contain_text("needs to be connected again")


def test_workspace_without_accounts_is_empty(scene: Scene, page: Page) -> None:
    key, _ = scene.stage.store.keys.create("first day", ["void"], ["read"])
    sign_in(page, scene.url, key, "void")
    expect(page.get_by_text("No account is connected to this workspace yet.")).to_be_visible()
    expect(page.locator(".problem")).to_have_count(0)


PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def test_posts_have_pictures_captions_and_links_or_placeholders(scene: Scene, page: Page) -> None:
    """The fields are absent where a platform does not give them, so the test adds them to two posts of the answer."""

    def enrich(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        shown, expired = body["data"][:2]
        for post in body["data"]:
            for name in ("permalink", "captionExcerpt", "thumbnailUrl", "thumbnailExpiresAt"):
                post.pop(name, None)
        shown |= {
            "permalink": "https://social.example/p/1",
            "captionExcerpt": "Ein Tag am Meer",
            "thumbnailUrl": PICTURE,
        }
        expired |= {"thumbnailUrl": PICTURE, "thumbnailExpiresAt": "2026-01-01T00:00:00Z"}
        route.fulfill(response=answer, json=body)

    page.route("**/posts?*", enrich)
    whole(sign_in(page, scene.url, scene.stage.key))
    posts = section(page, "Top posts").locator("li")
    link = posts.first.get_by_role("link", name="Ein Tag am Meer")
    expect(link).to_have_attribute("href", "https://social.example/p/1")
    expect(posts.first.locator("img")).to_be_visible()
    expect(posts.nth(1).locator("img")).to_have_count(0)
    expect(posts.locator(".placeholder")).to_have_count(9)
    expect(posts.nth(1).get_by_role("link")).to_have_count(0)


def test_page_of_another_origin_reads_follows_and_downloads(scene: Scene, page: Page, tmp_path: Path) -> None:
    """As the section about CORS in docs/api.md says: the page calls the API without a proxy between them."""
    folder = built(tmp_path / "page", f"{scene.stage.url}openapi.json", VITE_TIDEMARK_URL=scene.stage.url.rstrip("/"))
    with previewed(folder, "http://127.0.0.1:9") as url:
        scene.stage.stop()
        scene.stage.settings = scene.stage.settings.model_copy(update={"cors_origins": (url.rstrip("/"),)})
        scene.stage.start()
        traffic = Traffic(page)
        whole(sign_in(page, url, scene.stage.key))
        print(f"\nfirst view from another origin: {len(traffic.requests)} requests without preflights")
        download(page, tmp_path)
        scene.stage.stop()
        badge(page, "Live updates are down; reconnecting…")
        scene.stage.start()
        badge(page, "Live")
