"""The section that compares own accounts with watched ones: ranking, shares, rhythm, and what is not comparable."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from metrics.clock import utcnow
from metrics.periods import DAY, midnight
from metrics.redis.events import Announcer
from metrics.watching.lists import NewWatch, switch_platform, unwatch, watch
from tests.benchmarks import Published, Rival, store_rivals
from tests.serving.dashboard.stage import CHANGING, EMPTY, Look, Stage, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TODAY = midnight(utcnow().date())
FIRST = TODAY - (TODAY.weekday() + 21) * DAY
"""The beginning of the first one of three weeks that have ended."""
DAYS = range(-1, 21)
ANSWERED = """async () => {
  for (let quiet = 0; quiet < 2; quiet = underWay ? 0 : quiet + 1) await new Promise(requestAnimationFrame);
}"""
"""Wait until no request is under way."""


def rival(number: int, name: str = "", **fields: Any) -> Rival:
    """An account that gains `number` followers a day, and whose post of each week gains 10 x `number` likes."""
    posts = [
        Published(7 * week + 1, {7 * week + 5: {"likes": 10 * number, "comments": week}}, kind)  # type: ignore[arg-type]
        for week, kind in enumerate(("image", "video", "video"))
    ]
    followers = {day: 1000 * number + number * day for day in DAYS}
    return Rival(name or f"rival{number}", followers, posts, since=-30, **fields)


def rivals() -> list[Rival]:
    own = rival(4, "mine", own="acc_stayed", more={"label": "Our <b>roastery</b>"})
    late = Rival("late", {18: 77_000, 19: 77_001, 20: 77_002}, since=-30)
    typed = Rival("typed", dict.fromkeys(DAYS, 88000), more={"source": "manual", "enteredBy": "ann"}, since=-30)
    gone = Rival("gone", {}, more={"state": "not_found", "stateReason": "Instagram finds no such account."})
    few = [rival(number, f"rival{number}.bsky.social", platform="bluesky", group=None) for number in (1, 2, 3)]
    soon = Rival("soon", {}, platform="twitter", more={"state": "pending"})
    tube = Rival("tube", dict.fromkeys(DAYS, 5000), platform="youtube", since=-30)
    return [*(rival(number) for number in (1, 2, 3, 5, 6, 7)), own, late, typed, gone, *few, soon, tube]


@pytest.fixture(scope="module")
def watching(stage: Stage) -> Iterator[None]:
    """Ten accounts of a group on Instagram, one of them the own one, and three on Bluesky without a group."""
    store_rivals(stage.store, CHANGING, rivals(), FIRST)
    Announcer(stage.redis).announce(CHANGING)
    yield
    for one in stage.store.watch_lists.all(CHANGING):
        unwatch(stage.store, CHANGING, one["platform"], one["key"])
    Announcer(stage.redis).announce(CHANGING)


@pytest.fixture
def one_more(stage: Stage) -> Iterator[Callable[[], None]]:
    """Watch one more account with its readings, and announce its roll-ups; afterwards it is watched no longer."""

    def add() -> None:
        announce = Announcer(stage.redis).announce_public_rollups
        store_rivals(stage.store, CHANGING, [rival(9)], FIRST, announce=announce)

    yield add
    unwatch(stage.store, CHANGING, "instagram", "@rival9")
    Announcer(stage.redis).announce(CHANGING)


def section(look: Look, workspace: str = CHANGING) -> Locator:
    """Open the page, and wait until the section is drawn."""
    look.enter(workspace)
    found = look.page.locator("#among")
    found.scroll_into_view_if_needed()
    expect(look.page.locator("#among:not([data-later])")).to_be_visible()
    return found


def violations(page: Page) -> list[str]:
    found = Axe().run(page, {"include": ["#among"]}).response["violations"]
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


def cells(place: Locator) -> list[list[str]]:
    """Return the visible texts of a ranking, row by row, with single spaces."""
    return [[" ".join(cell.split()) for cell in row.locator("th, td").all_inner_texts()] for row in place.all()]


@pytest.mark.usefixtures("watching")
def test_own_account_stands_among_the_others(look: Look, one_more: Callable[[], None]) -> None:
    place, page = section(look), look.page
    rows = place.locator(".ranking tbody tr")
    expect(page.locator("#among-by")).to_have_value("engagementPer1000Followers")
    page.select_option("#among-by", "followers")
    expect(rows.first).to_contain_text("7,140")
    found = cells(rows)
    assert found[0] == ["1", "@rival7", "7,140", "+3,060", ""]
    assert found[3] == ["4", "Our <b>roastery</b> yours @mine", "4,080", "±0", "50"]
    assert [row[0] for row in found] == [*"1234567", *3 * ["\N{EN DASH}"]]
    typed, late, gone = found[7:]
    assert typed[1:3] == ["@typed entered by hand Entered by ann: shown, not compared.", "88,000"]
    assert late[1:3] == ["@late Read on 3 of 7 days: shown, not compared.", "77,002"]
    assert gone[1] == "@gone not found Instagram finds no such account."
    assert "not available" in rows.last.locator("td").nth(1).inner_text()
    expect(place.locator(".strip")).to_contain_text("above 50 % of the others")
    assert cells(place.locator("#among-types tbody tr")) == [["Video", "1", "1"]]
    expect(place.locator("#among-notes")).to_contain_text("Engagement on Instagram is the sum of likes and comments.")
    expect(place.locator("#among-notes")).to_contain_text("A post whose likes are hidden is in no engagement")
    for number in (0, 1):
        place.locator("summary").nth(number).click()
    shares = cells(place.locator("#table-among-shares tbody tr"))
    week = {number: 10 * number + 1 for number in (1, 2, 3, 4, 5, 6, 7)}  # likes, and one comment
    assert [shares[2][1], shares[2][-1]] == [
        f"{100 * part / sum(week.values()):.1f} %" for part in (week[4], week[1] + week[2])
    ]
    rhythm = cells(place.locator("#table-among-rhythm tbody tr"))
    assert rhythm[2][1:] == ["1", "1", "1", "1"]
    assert violations(page) == []
    keep(place, "among")

    # A roll-up draws it again: the choices, the open table and the focus stay.
    page.focus("#among-by")
    one_more()
    expect(rows.first).to_contain_text("9,180")
    expect(page.locator("#among-by")).to_be_focused()
    expect(page.locator("#among-by")).to_have_value("followers")
    assert page.locator("#details-among-shares").get_attribute("open") is not None
    assert look.errors == []


@pytest.mark.usefixtures("watching")
def test_periods_groups_and_what_is_missing(look: Look) -> None:
    place, page = section(look), look.page
    page.select_option("#among-by", "followerGrowth")
    expect(place.locator(".ranking tbody tr").first).to_contain_text("+49")
    page.select_option("#among-interval", "monthly")
    expect(page.locator("#among-period option").first).to_contain_text("not over")
    expect(page.locator("#among-by")).to_have_value("followerGrowth")
    page.select_option("#among-interval", "weekly")
    page.select_option("#among-group", "bluesky|")
    expect(place).to_contain_text("A median needs five accounts of others with a number that can be compared")
    expect(place).to_contain_text("here are 3.")
    expect(place).to_contain_text(f"tidemark watch add {CHANGING} bluesky HANDLE --own ACCOUNT_ID")
    expect(place.locator(".ranking thead th")).to_have_count(3)
    expect(place.locator(".ranking tbody tr").first).to_contain_text("+21")
    page.select_option("#among-group", "twitter|coffee")
    expect(place).to_contain_text("1 account waits for the first reading: public numbers are read once a day.")
    expect(place.locator(".ranking tbody tr")).to_contain_text("not read yet")
    expect(page.locator("#plot-among-shares")).to_be_hidden()
    page.select_option("#among-group", "youtube|coffee")
    expect(place).to_contain_text("The terms of the platform allow no median over accounts of several owners")
    expect(page.locator("#plot-among-shares")).to_contain_text("No share is known: the platform's terms")
    assert violations(page) == []
    assert look.errors == []


@pytest.mark.usefixtures("watching")
def test_answer_that_comes_late_does_not_undo_a_newer_choice(look: Look, stage: Stage) -> None:
    place, page = section(look), look.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/benchmarks?period=monthly*", hold)
    with page.expect_request("**/benchmarks?period=monthly*"):
        page.select_option("#among-interval", "monthly")
    page.select_option("#among-interval", "weekly")
    expect(page.locator("#among-period option")).to_have_count(5)
    with page.expect_response("**/benchmarks?period=monthly*"):
        held[0].continue_()
    page.evaluate(ANSWERED)
    expect(page.locator("#among-interval")).to_have_value("weekly")
    expect(page.locator("#among-period option")).to_have_count(5)
    page.goto(f"{stage.url}?workspace={CHANGING}&from=2090-01-01&to=2090-01-02")
    look.settle()
    place.scroll_into_view_if_needed()
    expect(place).to_contain_text("Nothing of this time has begun.")
    assert look.errors == []


@pytest.mark.usefixtures("watching")
@pytest.mark.parametrize(
    "look", [{"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}], ids=["dark phone"], indirect=True
)
def test_it_fits_on_a_phone(look: Look) -> None:
    place = section(look)
    assert look.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(look.page) == []
    keep(place, "among on a dark phone")
    assert look.errors == []


def test_without_watched_accounts_it_says_how_to_add_them(look: Look, stage: Stage) -> None:
    asked: list[str] = []
    look.page.on("request", lambda request: asked.append(request.url))
    place = section(look, EMPTY)
    expect(place).to_contain_text(f"tidemark watch add {EMPTY} instagram @their.handle")
    expect(place).to_contain_text(f"PUT /analytics/workspace/{EMPTY}/watched/instagram/their.handle")
    assert violations(look.page) == []
    watch(stage.store, EMPTY, NewWatch("twitter", "@rival"), TODAY, 100)
    switch_platform(stage.store, EMPTY, "twitter", TODAY, on=False)
    look.page.reload()
    place.scroll_into_view_if_needed()
    expect(place).to_contain_text(f"switched X off for watching. tidemark watch on {EMPTY} twitter ends that.")
    assert [url for url in asked if "benchmarks" in url] == []
    assert look.errors == []
    switch_platform(stage.store, EMPTY, "twitter", TODAY, on=True)
    unwatch(stage.store, EMPTY, "twitter", "@rival")
