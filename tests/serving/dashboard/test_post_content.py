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
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage, keep
from tests.serving.dashboard.test_accessibility import on_screens, violations
from tests.waiting import until

pytestmark = pytest.mark.browser
LOADED = "(picture) => picture.complete && picture.naturalWidth > 0"
MARKUP = "<script>alert('caption')</script> <b>Bread & butter</b>"
RTL = "صباح الخير خصم على كل المنتجات"


@pytest.fixture
def newest(stage: Stage) -> Iterator[list[PostDocument]]:
    """Ten of the newest posts, those with pictures first; they are restored after the test."""
    since = utcnow().replace(hour=0)
    posts = stage.store.posts.published(WORKSPACE, since.replace(year=since.year - 1), since)
    found = sorted(
        (one for one in posts[:10] if "content" in one), key=lambda one: "thumbnailUrl" not in one["content"]
    )
    yield found
    give(stage, *found)


@pytest.fixture
def best(newest: list[PostDocument]) -> PostDocument:
    """The newest post that has a picture."""
    return newest[0]


def give(stage: Stage, *posts: PostDocument, **content: Any) -> None:
    """Change the content of posts; a value that is None is removed."""
    stage.store.posts.put([_with(post, content) for post in posts])
    Announcer(stage.redis).announce(WORKSPACE)


def _with(post: PostDocument, content: dict[str, Any]) -> PostDocument:
    changed = {name: value for name, value in {**post["content"], **content}.items() if value is not None}
    return {**post, "content": changed}  # type: ignore[typeddict-item]


def give_each(stage: Stage, posts: list[PostDocument], name: str, values: list[Any]) -> dict[Any, PostDocument]:
    """Change a part of the content of as many posts as there are values; return the post of each value."""
    given = dict(zip(values, posts[: len(values)], strict=True))
    for value, post in given.items():
        give(stage, post, **{name: value})
    return given


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


def test_link_that_is_not_https_is_no_link(look: Look, stage: Stage, newest: list[PostDocument]) -> None:
    links = ["http://a.example/", "javascript:alert(1)", "//a.example", "nonsense", None]
    given = give_each(stage, newest, "permalink", links)
    page = opened(look, sort="publishedAt", range="28d")
    for link, post in given.items():
        row = row_of(page, post)
        assert row.locator("a.out").count() == 0, link
        assert row.locator("code").inner_text() == post["platformPostId"]
    assert look.errors == []


def test_post_without_a_picture_has_an_empty_frame(look: Look, stage: Stage, newest: list[PostDocument]) -> None:
    given = give_each(stage, newest, "thumbnailUrl", [None, "javascript:alert(1)", "nonsense"])
    page = opened(look, sort="publishedAt", range="28d")
    for url, post in given.items():
        row = row_of(page, post)
        assert row.locator(".thumb").bounding_box() is not None, url
        assert row.locator(".thumb img").count() == 0, url
    assert look.errors == []


def test_picture_that_cannot_be_loaded_leaves_an_empty_frame(look: Look, stage: Stage, best: PostDocument) -> None:
    give(stage, best, thumbnailUrl=f"{best['content']['thumbnailUrl']}?oe=1")
    row = row_of(opened(look, sort="publishedAt", range="28d"), best)
    row.scroll_into_view_if_needed()
    expect(row.locator(".thumb img")).to_have_count(0)
    frame = row.locator(".thumb").bounding_box()
    assert frame is not None
    assert frame["width"] == frame["height"] == 44


def test_picture_of_another_host_is_not_requested(look: Look, stage: Stage, newest: list[PostDocument]) -> None:
    failures = dict[str, str | None]()
    look.page.on("requestfailed", lambda request: failures.update({request.url: request.failure}))
    given = give_each(stage, newest, "thumbnailUrl", ["https://evil.example/a.png", "http://127.0.0.1:1/a.png"])
    page = opened(look, sort="publishedAt", range="28d")
    for url, post in given.items():
        row = row_of(page, post)
        row.scroll_into_view_if_needed()
        expect(row.locator(".thumb img")).to_have_count(0)
        # The browser refused the request itself.
        until(lambda url=url: failures.get(url) == "csp")  # type: ignore[misc]
    until(lambda: look.errors.count("CSP img-src") >= len(given))


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
@on_screens
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
    keep(page.locator("#posts"), f"top posts {name}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{look.stage.url}?workspace={WORKSPACE}&post={best['_id']}")
    page.wait_for_selector("#post-head .thumb.large")
    until(lambda: page.locator("#post-head .thumb img").evaluate(LOADED))
    assert violations(look) == []
    keep(page.locator("#post-head"), f"post {name}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert look.errors == []
