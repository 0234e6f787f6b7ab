"""Tests of paging: whatever happens to a list, all young posts are read in the end, and every reading ends."""

from collections.abc import Iterable
from datetime import timedelta
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.platforms.doubts import MOST_READINGS
from pipelines.platforms.errors import BadAnswer, NeedsReauth, PlatformError, RateLimited, Transient
from pipelines.platforms.limits import Reserved
from pipelines.platforms.pages import Page, Place
from pipelines.platforms.paging import EMPTY_PAGES, ENOUGH_IN_A_ROW, MOST_PAGES
from tests.examples import tried
from tests.pipelines.platforms.lists import HOUR, NAME, SIZE, START, STYLES, Quirk, Reader, ServerList, Style

UNSEEN: tuple[Quirk, ...] = ("hidden", "ended", "odd")
FAILURES: tuple[PlatformError | Quirk, ...] = (
    Transient("busy"),
    RateLimited("enough", START, "account"),
    BadAnswer("HTML"),
    NeedsReauth("expired"),
    "loop",
    "unclear",
    "empty",
    *UNSEEN,
)
MOST_FETCHES = MOST_PAGES + 2 * ceil(log2(SIZE))
"""A page that is too long is requested again with half as many items; a gap may begin with the usual size again."""


def hour(reader: Reader) -> None:
    """Read once, an hour later; a dead token only ends this reading."""
    reader.server.now += HOUR
    try:
        reader.read()
    except NeedsReauth:
        assert NeedsReauth in {type(error) for error in reader.server.failures.values()}
    assert reader.server.fetches <= MOST_FETCHES


def settle(reader: Reader) -> None:
    """Read without failures until a reading is complete, and no list has to be read again because of odd items."""
    reader.server.failures = {}
    for _ in range(40):
        hour(reader)
        if not (reader.broke_off or reader.memory.list(NAME).odd):
            return
    raise AssertionError(reader.broke_off)


@tried(examples=50, nightly=20_000)
@given(data=st.data(), style=st.sampled_from(STYLES))
def test_everything_young_is_brought_in_the_end(data: st.DataObject, style: Style) -> None:
    server = ServerList(style)
    server.longest_page = data.draw(st.sampled_from([SIZE, SIZE, ENOUGH_IN_A_ROW, 3, 1]), "longest page")
    server.publish(data.draw(st.integers(0, 130), "posts"), timedelta(hours=data.draw(st.sampled_from([1, 17, 40]))))
    if style != "since" and data.draw(st.booleans(), "pinned"):
        server.pin(timedelta(days=200))
    reader = Reader(server)
    for past in range(data.draw(st.integers(1, 6), "hours")):
        # A post that three consecutive readings do not see is given up.
        possible = FAILURES if past < MOST_READINGS - 1 else FAILURES[: -len(UNSEEN)]
        server.failures = data.draw(
            st.dictionaries(st.integers(1, 8), st.sampled_from(possible), max_size=3), "failures"
        )
        hour(reader)
        server.publish(data.draw(st.sampled_from([0, 0, 1, 3, 25, 70]), "new ones"))
        server.take_down(data.draw(st.lists(st.integers(0, 200), max_size=1), "taken down"))
        server.epoch += data.draw(st.sampled_from([0, 0, 0, 1]), "cursors end")
    settle(reader)
    assert reader.missing == set()
    hour(reader)
    assert server.fetches <= ceil(ENOUGH_IN_A_ROW / min(server.longest_page, ENOUGH_IN_A_ROW)) + ceil(log2(SIZE)) + 1
    assert reader.missing == set()


@pytest.mark.parametrize("style", STYLES)
def test_known_list_costs_one_page(style: Style) -> None:
    server = ServerList(style)
    server.publish(5 * SIZE)
    reader = Reader(server)
    hour(reader)
    hour(reader)
    assert (server.fetches, reader.broke_off, reader.missing) == (1, None, set())


@pytest.mark.parametrize("style", STYLES)
def test_list_longer_than_a_reading_is_read_on_in_the_next_hour(style: Style) -> None:
    server = ServerList(style)
    server.publish(MOST_PAGES * SIZE + 3 * SIZE)
    reader = Reader(server)
    hour(reader)
    assert server.fetches == MOST_PAGES
    assert "next hour" in str(reader.broke_off)
    hour(reader)
    assert (reader.broke_off, reader.missing) == (None, set())


@pytest.mark.parametrize("style", STYLES)
def test_old_posts_end_the_walk(style: Style) -> None:
    server = ServerList(style)
    server.publish(400, timedelta(days=1))
    reader = Reader(server)
    hour(reader)
    assert server.fetches <= 90 // SIZE + 3
    assert reader.missing == set()
    assert len(reader.brought) <= 91


@pytest.mark.parametrize("longest", [1, 3, SIZE])
def test_old_post_on_top_ends_no_list(longest: int) -> None:
    server = ServerList("offset", longest_page=longest)
    server.publish(30)
    server.pin(timedelta(days=300))
    reader = Reader(server)
    settle(reader)
    assert reader.missing == set()
    server.publish(2)
    hour(reader)
    assert reader.missing == set()


class Budget:
    """A budget of distinct posts per hour."""

    def __init__(self, per_hour: int) -> None:
        self.per_hour, self.read = per_hour, set[str]()

    def left(self) -> int:
        return max(self.per_hour - len(self.read), 0)

    def reserve(self, posts: int, least: int) -> Reserved:
        left = min(posts, self.left())
        return Reserved(left if left >= least else 0)

    def settle(self, _reserved: Reserved, post_ids: Iterable[str]) -> None:
        self.read.update(post_ids)

    def note(self, post_ids: object) -> None:
        self.read |= set(post_ids)  # type: ignore[call-overload]


@tried(examples=30, nightly=2_000)
@given(st.integers(1, 90), st.integers(1, 60))
def test_budget_delays_a_list_and_loses_nothing(posts: int, per_hour: int) -> None:
    """Only X, whose lists have the style `since`, bills posts."""
    server = ServerList("since")
    server.publish(posts)
    budget = Budget(per_hour)
    reader = Reader(server, budget)
    for _ in range(2 + ceil(posts / per_hour) * 3):
        budget.read = set()
        hour(reader)
        assert len(budget.read) <= per_hour
        if not reader.broke_off:
            break
    assert reader.missing == set()


def test_list_of_empty_pages_breaks_off_and_is_read_on() -> None:
    server = ServerList("cursor")
    server.publish(3)
    reader = Reader(server)
    fetch, empty = server.fetch, EMPTY_PAGES + 2

    def hidden(place: object, size: int) -> object:
        page = fetch({}, size)
        count = int(place.get("hidden", 0)) if isinstance(place, dict) else 0
        return page if count >= empty else type(page)([], {"hidden": str(count + 1)})

    server.fetch = hidden  # type: ignore[method-assign, assignment]
    reader.read()
    assert "empty pages" in str(reader.broke_off)
    reader.read()
    assert (reader.broke_off, reader.missing) == (None, set())


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("quirk", ["hidden", "ended", "odd"])
def test_what_a_page_did_not_show_for_an_hour_is_read_in_the_next(style: Style, quirk: Quirk) -> None:
    server = ServerList(style)
    server.publish(5 * SIZE)
    # The second page, and its repetition, because an empty page is requested again.
    server.failures = {2: quirk, 3: quirk}
    reader = Reader(server)
    hour(reader)
    assert reader.missing
    server.failures = {}
    hour(reader)
    assert reader.missing == set()


@pytest.mark.parametrize("style", STYLES)
def test_page_that_is_empty_once_is_asked_for_again_at_once(style: Style) -> None:
    server = ServerList(style)
    server.publish(5 * SIZE)
    server.failures = {2: "ended"}
    reader = Reader(server)
    hour(reader)
    assert reader.missing == set()


@pytest.mark.parametrize("style", STYLES)
def test_item_that_stays_odd_holds_a_list_for_three_readings(style: Style) -> None:
    server = ServerList(style)
    server.publish(5 * SIZE)
    fetch = server.fetch

    def spoilt(place: Place, size: int) -> Page:
        page = fetch(place, size)
        items = [{"id": one["id"]} if one["id"] == "30" else one for one in page.items]
        return Page(items, page.following)

    server.fetch = spoilt  # type: ignore[method-assign]
    reader = Reader(server)
    fetches = []
    for _ in range(5):
        hour(reader)
        fetches.append(server.fetches)
    assert fetches == [5, 5, 5, 1, 1]
    assert reader.missing == {"30"}


def test_list_that_is_forgotten_with_a_doubt_is_asked_for_all() -> None:
    server = ServerList("since", longest_page=3)
    reader = Reader(server)
    hour(reader)
    server.publish(3)
    server.failures = {3: Transient("busy")}
    hour(reader)
    server.publish(1)
    server.failures = {2: "odd", 3: Transient("busy")}
    hour(reader)
    # Make the place of the gap invalid.
    server.epoch += 1
    settle(reader)
    assert reader.missing == set()
