"""The content of posts on the page: pictures from allowed hosts alone, captions as text, safe links, and the search."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from metrics.clock import utcnow
from metrics.documents import PostDocument
from metrics.post_content import folded
from metrics.redis.events import Announcer
from tests.serving.conftest import running
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage
from tests.serving.dashboard.test_accessibility import SCREENS, violations
from tests.waiting import until

pytestmark = pytest.mark.browser
LOADED = "(picture) => picture.complete && picture.naturalWidth > 0"
MARKUP = "<script>alert('caption')</script> <b>Bread & butter</b>"
RTL = "صباح الخير خصم على كل المنتجات"


@pytest.fixture
def best(stage: Stage) -> Iterator[PostDocument]:
    """The newest post that has content, which is restored after the test."""
    since = utcnow().replace(hour=0)
    posts = stage.store.posts.published(WORKSPACE, since.replace(year=since.year - 1), since)
    post = next(one for one in posts if "thumbnailUrl" in one.get("content", {}))
    yield post
    give(stage, post)


def give(stage: Stage, post: PostDocument, **content: Any) -> None:
    """Change the content of a post; a value that is None is removed."""
    changed = {name: value for name, value in {**post["content"], **content}.items() if value is not None}
    stage.store.posts.put([{**post, "content": changed}])  # type: ignore[typeddict-item]
    Announcer(stage.redis).announce(WORKSPACE)


def row_of(page: Page, post: PostDocument) -> Locator:
    return page.locator("#posts tbody tr").filter(has=page.locator(f"a[href*='post={post['_id']}']"))


def opened(look: Look, **view: str) -> Page:
    query = "".join(f"&{name}={value}" for name, value in view.items())
    look.page.goto(f"{look.stage.url}?workspace={WORKSPACE}{query}#key={look.stage.key}")
    look.scroll()
    return look.page


def test_pictures_captions_and_links_are_shown(look: Look, stage: Stage, best: PostDocument) -> None:
    give(stage, best, captionExcerpt=MARKUP, captionFolded=folded(MARKUP))
    page = opened(look, sort="publishedAt", range="28d")
    row = row_of(page, best)
    assert row.locator(".caption").inner_text() == MARKUP
    picture, link = row.locator(".thumb img"), row.locator("a.out")
    picture.scroll_into_view_if_needed()
    until(lambda: picture.evaluate(LOADED))
    assert (
        picture.get_attribute("alt") == "Picture of the post: <script>alert('caption')</script> <b>Bread & butter</b>"
    )
    wanted = {"loading": "lazy", "referrerpolicy": "no-referrer", "width": "44", "height": "44"}
    assert {name: picture.get_attribute(name) for name in wanted} == wanted
    assert link.get_attribute("href") == best["content"]["permalink"]
    assert set((link.get_attribute("rel") or "").split()) == {"noopener", "noreferrer"}
    assert page.locator("#posts script, #posts b").count() == 0
    row.locator("a[data-view]").first.click()
    large = page.locator("#post-head .thumb.large img")
    until(lambda: large.evaluate(LOADED))
    assert page.inner_text("#post-head .caption") == MARKUP
    assert page.get_attribute("#post-head a.out", "href") == best["content"]["permalink"]
    assert look.errors == []


def test_caption_does_not_turn_the_text_around_it(look: Look, stage: Stage, best: PostDocument) -> None:
    give(stage, best, captionExcerpt=RTL, captionFolded=folded(RTL))
    caption = row_of(opened(look, sort="publishedAt", range="28d"), best).locator(".caption")
    assert caption.evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    assert caption.evaluate("(node) => getComputedStyle(node).unicodeBidi") == "isolate"
    assert caption.evaluate("(node) => getComputedStyle(node.parentNode).direction") == "ltr"


@pytest.mark.parametrize("permalink", ["http://a.example/", "javascript:alert(1)", "//a.example", "nonsense", None])
def test_link_that_is_not_https_is_no_link(look: Look, stage: Stage, best: PostDocument, permalink: str | None) -> None:
    give(stage, best, permalink=permalink)
    row = row_of(opened(look, sort="publishedAt", range="28d"), best)
    assert row.locator("a.out").count() == 0
    assert row.locator("code").inner_text() == best["platformPostId"]
    assert look.errors == []


@pytest.mark.parametrize("thumbnail", [None, "javascript:alert(1)", "nonsense"])
def test_post_without_a_picture_has_an_empty_frame(
    look: Look, stage: Stage, best: PostDocument, thumbnail: str | None
) -> None:
    give(stage, best, thumbnailUrl=thumbnail)
    row = row_of(opened(look, sort="publishedAt", range="28d"), best)
    assert row.locator(".thumb").bounding_box() is not None
    assert row.locator(".thumb img").count() == 0
    assert look.errors == []


def test_picture_that_cannot_be_loaded_leaves_an_empty_frame(look: Look, stage: Stage, best: PostDocument) -> None:
    give(stage, best, thumbnailUrl=f"{best['content']['thumbnailUrl']}?oe=1")
    row = row_of(opened(look, sort="publishedAt", range="28d"), best)
    row.scroll_into_view_if_needed()
    expect(row.locator(".thumb img")).to_have_count(0)
    frame = row.locator(".thumb").bounding_box()
    assert frame is not None
    assert frame["width"] == frame["height"] == 44


@pytest.mark.parametrize("url", ["https://evil.example/a.png", "http://127.0.0.1:1/a.png"])
def test_picture_of_another_host_is_not_requested(look: Look, stage: Stage, best: PostDocument, url: str) -> None:
    failures = dict[str, str | None]()
    look.page.on("requestfailed", lambda request: failures.update({request.url: request.failure}))
    give(stage, best, thumbnailUrl=url)
    row = row_of(opened(look, sort="publishedAt", range="28d"), best)
    row.scroll_into_view_if_needed()
    until(lambda: any(error == "CSP img-src" for error in look.errors))
    expect(row.locator(".thumb img")).to_have_count(0)
    # The browser refused the request itself.
    assert failures[url] == "csp"


def test_policy_names_the_picture_servers_and_nothing_more(stage: Stage) -> None:
    policy = httpx.get(stage.url).headers["content-security-policy"]
    (sources,) = re.findall(r"img-src ([^;]+);", policy)
    simulator = stage.settings.platform_url("instagram")
    wanted = {
        "'self'",
        "data:",
        "https://*.cdninstagram.com",
        "https://*.fbcdn.net",
        "https://cdn.bsky.app",
        "https://i.pinimg.com",
        "https://i.ytimg.com",
        "https://pbs.twimg.com",
        "https://video.bsky.app",
        "https://video.cdn.bsky.app",
        simulator,
    }
    assert set(sources.split()) == wanted
    off = stage.settings.model_copy(update={"store_post_content": False})
    with running(off) as (url, _):
        assert "img-src 'self' data:;" in httpx.get(url).headers["content-security-policy"]


def test_captions_are_searched(look: Look, stage: Stage, best: PostDocument) -> None:
    give(stage, best, captionExcerpt="Wanted PHRASE here", captionFolded=folded("Wanted PHRASE here"))
    page = opened(look, range="28d")
    rows = page.locator("#posts tbody tr")
    expect(rows).not_to_have_count(1)
    page.focus("#posts-q")
    page.keyboard.type("wanted phrase ")
    expect(rows).to_have_count(1)
    assert "Wanted PHRASE here" in rows.first.inner_text()
    # The search box keeps its text, the focus and the position of the cursor while the list is drawn again.
    assert page.input_value("#posts-q") == "wanted phrase "
    assert page.evaluate("document.activeElement.id") == "posts-q"
    assert "q=wanted+phrase" in page.url
    page.keyboard.type("xyz")
    expect(page.locator("#posts .empty")).to_contain_text("wanted phrase xyz")
    page.reload()
    look.scroll()
    expect(page.locator("#posts-q")).to_have_value("wanted phrase xyz")
    page.fill("#posts-q", "")
    expect(rows).to_have_count(10)
    assert "q=" not in page.url
    assert look.errors == []


def test_search_of_one_account_finds_its_posts_only(look: Look, stage: Stage, best: PostDocument) -> None:
    give(stage, best, captionExcerpt="Wanted PHRASE here", captionFolded=folded("Wanted PHRASE here"))
    others = [one["_id"] for one in stage.accounts() if one["_id"] != best["accountId"]]
    rows = opened(look, range="28d", account=best["accountId"], q="PHRASE").locator("#posts tbody tr")
    expect(rows).to_have_count(1)
    expect(opened(look, range="28d", account=others[0], q="PHRASE").locator("#posts .empty")).to_have_count(1)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("look", SCREENS.values(), ids=SCREENS.keys(), indirect=True)
def test_posts_with_content_are_accessible_and_fit(
    look: Look, request: pytest.FixtureRequest, best: PostDocument
) -> None:
    name = request.node.callspec.id
    page = opened(look, range="28d")
    pictures = page.locator("#posts .thumb img")
    page.locator("#posts").scroll_into_view_if_needed()
    until(lambda: pictures.first.evaluate(LOADED))
    page.locator("#posts tbody tr").last.scroll_into_view_if_needed()
    until(lambda: all(picture.evaluate(LOADED) for picture in pictures.all()))
    assert violations(look) == []
    page.locator("#posts").screenshot(path=look.artefact(f"top posts {name}"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{look.stage.url}?workspace={WORKSPACE}&post={best['_id']}")
    page.wait_for_selector("#post-head .thumb.large")
    until(lambda: page.locator("#post-head .thumb img").evaluate(LOADED))
    assert violations(look) == []
    page.locator("#post-head").screenshot(path=look.artefact(f"post {name}"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert look.errors == []
