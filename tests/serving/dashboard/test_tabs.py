"""Several tabs of one browser share one stream, and none of them misses an event or gets it twice."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest
from playwright.sync_api import Page, Request, expect

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Observation
from metrics.periods import slot_of
from metrics.platforms.registry import FACTS
from metrics.redis.events import Announcer, Event, EventName, observation_event
from tests.serving.dashboard.stage import CHANGING, WORKSPACE, Look, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TABS = 8
"""More than the six connections that a browser has to a server over HTTP/1.1."""

Tabs = Callable[[int], list[Page]]


@pytest.fixture
def streams(look: Look) -> list[str]:
    """The URLs of the streams that tabs open from now on, in order."""
    found: list[str] = []

    def note(request: Request) -> None:
        if "/analytics/stream?" in request.url:
            found.append(request.url)

    look.page.context.on("request", note)
    return found


@pytest.fixture
def tabs(look: Look, streams: list[str]) -> Iterator[Tabs]:
    """A function that opens a number of tabs of one browser on the workspace, one after the other."""
    opened: list[Look] = []
    # Without charts: eight pages that draw them are too much for a small machine, and these tests need none.
    look.page.context.route("**/uplot-*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))

    def open_them(number: int) -> list[Page]:
        opened.extend(Look(look.page.context.new_page(), look.stage) for _ in range(number))
        return [one.enter() for one in opened]

    yield open_them
    assert [one.errors for one in opened] == [[]] * len(opened)


def tell(stage: Stage, account: AccountDocument, posts: int) -> None:
    """Announce a number of observed posts of an account."""
    now = utcnow()
    owner = (account["workspaceId"], account["_id"], account["platform"])
    said = [
        Observation(
            *owner, "post", slot_of(now), now, {"likes": n}, "r", "v1",
            post_id=f"post_{n}", platform_post_id=str(n), content_type="image",
        )
        for n in range(posts)
    ]  # fmt: skip
    Announcer(stage.redis).announce(account["workspaceId"], [observation_event(one) for one in said])


def expect_posts(page: Page, account: AccountDocument, posts: int) -> None:
    """Expect that a tab got the events of a number of posts of an account, each of them once."""
    name = FACTS[account["platform"]].title
    told = f"{account['handle']} on {name}: {posts} post{'' if posts == 1 else 's'} collected"
    expect(page.locator("#activity li", has_text=f"{account['handle']} on {name}:")).to_contain_text(
        told, timeout=15_000
    )


def test_many_tabs_share_one_stream_and_each_gets_each_event_once(tabs: Tabs, streams: list[str], stage: Stage) -> None:
    first, second, third, *_ = stage.accounts()
    pages = tabs(TABS)
    assert len(streams) == 1
    tell(stage, first, 2)
    for page in pages:
        expect_posts(page, first, 2)
    # The leader closes; events from before the next leader has its own stream are not lost.
    pages.pop(0).close()
    tell(stage, second, 3)
    for page in pages:
        expect_posts(page, second, 3)
        expect_posts(page, first, 2)
    assert len(streams) == 2
    assert "lastEventId=" in streams[1]
    # Then a follower closes.
    pages.pop().close()
    tell(stage, third, 1)
    for page in pages:
        expect_posts(page, third, 1)
    assert len(streams) == 2


# A page that has read everything, and only later begins to follow the events since then.
SLOW = """
  const real = SubtleCrypto.prototype.digest;
  SubtleCrypto.prototype.digest = async function (...args) {
    while (!window.goOn) await new Promise((resolve) => setTimeout(resolve, 20));
    return real.apply(this, args);
  };
"""


@pytest.mark.parametrize("posts", [2, 600], ids=["kept", "more than is kept"])
def test_tab_that_comes_later_misses_nothing_of_what_happened_while_it_loaded(
    tabs: Tabs, streams: list[str], stage: Stage, posts: int
) -> None:
    (leader,) = tabs(1)
    account, next_one = stage.accounts()[3], stage.accounts()[0]
    late = leader.context.new_page()
    late.add_init_script(SLOW)
    late.goto(f"{stage.url}?workspace={WORKSPACE}#key={stage.key}")
    late.wait_for_selector("#page[aria-busy=false]")
    tell(stage, account, posts)
    expect_posts(leader, account, posts)
    if posts == 2:
        late.evaluate("window.goOn = true")
        expect_posts(late, account, posts)
    else:
        with late.expect_request("**/accounts"):  # it reads everything again
            late.evaluate("window.goOn = true")
    expect(late.locator("#stream")).to_have_class("pill live")
    tell(stage, next_one, 1)
    expect_posts(late, next_one, 1)
    assert len(streams) == 1


def test_reset_reaches_every_tab_and_each_reads_again(tabs: Tabs, streams: list[str], stage: Stage) -> None:
    pages = tabs(2)
    for page in pages:
        page.wait_for_selector("#page[aria-busy=false]")
    # Nobody announces a reset: it stands in the stream of a server that was restarted.
    reset = cast("EventName", "reset")
    with pages[0].expect_request("**/accounts"), pages[1].expect_request("**/accounts"):
        Announcer(stage.redis).announce(WORKSPACE, [Event(reset, WORKSPACE, {})])
    for page in pages:
        page.wait_for_selector("#page[aria-busy=false]")
    account = stage.accounts()[2]
    pages.pop(0).close()
    tell(stage, account, 2)
    expect_posts(pages[0], account, 2)
    assert len(streams) == 2


@pytest.mark.parametrize(("workspace", "own_key"), [(CHANGING, False), (WORKSPACE, True)], ids=["workspace", "key"])
def test_tabs_of_another_workspace_or_key_share_nothing(
    tabs: Tabs, streams: list[str], look: Look, workspace: str, own_key: bool
) -> None:
    (mine,) = tabs(1)
    other = Look(look.page.context.new_page(), look.stage)
    theirs = other.enter(workspace, look.stage.reader if own_key else None)
    assert len(streams) == 2
    names = [{lock["name"] for lock in page.evaluate("navigator.locks.query()")["held"]} for page in (mine, theirs)]
    assert names[0] == names[1], "locks are the browser's: both tabs see those of both"
    assert len(names[0]) == 2
    assert not any(look.stage.key in name or workspace in name for name in names[0])
    account = look.stage.accounts()[0]
    tell(look.stage, account, 2)
    expect_posts(mine, account, 2)
    if own_key:
        expect_posts(theirs, account, 2)
    else:
        assert account["handle"] not in theirs.inner_text("#activity")
    assert other.errors == []


def test_tab_takes_over_from_one_that_was_stopped_and_keeps_the_lock(
    tabs: Tabs, streams: list[str], look: Look, stage: Stage
) -> None:
    (leader,) = tabs(1)
    session = leader.context.new_cdp_session(leader)
    follower = Look(leader.context.new_page(), stage)
    follower.page.clock.install()
    page = follower.enter()
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    account = stage.accounts()[1]
    page.clock.fast_forward(101_000)
    expect(page.locator("#stream")).to_have_class("pill live")
    tell(stage, account, 2)
    expect_posts(page, account, 2)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    expect_posts(leader, account, 2)
    tell(stage, stage.accounts()[2], 1)
    for one in (page, leader):
        expect_posts(one, stage.accounts()[2], 1)
    assert len(streams) == 2


def test_browser_without_locks_has_a_stream_in_each_visible_tab(look: Look, streams: list[str], stage: Stage) -> None:
    page = look.page
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })")
    look.enter()
    assert len(streams) == 1
    see = """(state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    with page.expect_event("requestfailed", lambda request: "/analytics/stream?" in request.url):
        page.evaluate(see, "hidden")
    account = stage.accounts()[2]
    tell(stage, account, 3)
    page.evaluate(see, "visible")
    expect_posts(page, account, 3)
    assert len(streams) == 2
    assert "lastEventId=" in streams[1]
    assert look.errors == []
