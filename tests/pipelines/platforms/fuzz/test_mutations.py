"""Fuzz tests of the platforms' clients: however an answer is changed, a reading ends and contains nothing false.

The answer of any call of a reading is changed at any path, in any way of `mutations`, once or each time. Recorded
answers, changed in the same ways, replace others.
"""

import json
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.catalog import offered
from metrics.documents import Platform
from pipelines.platforms.data.readings import AccountReading, DaysReading
from pipelines.platforms.errors import PlatformError
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from tests.examples import tried
from tests.pipelines.platforms.fuzz.in_process import Call
from tests.pipelines.platforms.fuzz.mutations import KINDS, Path, at, mutated, numbers_in, places, put
from tests.pipelines.platforms.fuzz.scenes import Read, Scene, scene, short_pages, values
from tests.recorded import recordings

EVERY = None
"""Stands for all posts of an answer: it was changed so that any of them may be affected."""

LISTS = {
    "stories", "media", "video_reels", "published_posts", "timeline", "posts", "uploads", "pins", "threads",
    "author feed", "videos",
}  # fmt: skip

MOST_NUMBERS = 12
"""Maximum number of numbers in an answer of which sums of more than two are computed."""

MOST_CALLS = 30
"""Maximum number of additional requests that a changed answer may cause."""

LOOK_UPS = ("app.bsky.feed.getPosts", "/v2/video/query/")
"""Paths of look-ups that leave out the posts that no longer exist."""

FOLDERS: dict[Platform, str] = {"twitter": "x"}
"""Folders of recorded answers whose name differs from their platform's."""


@pytest.fixture(scope="module", autouse=True)
def _short_pages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        short_pages(patch)
        yield


@pytest.fixture(scope="module", params=PLATFORMS_IMPLEMENTED)
def subject(request: pytest.FixtureRequest) -> Scene:
    return scene(request.param)


def test_scene_has_all_that_a_reading_may_meet(subject: Scene) -> None:
    reading, due = subject.reading, {post.platform_post_id for post in subject.due}
    assert len(reading.gone) == 1
    assert len(due & values(reading).keys()) > 1
    assert len(values(reading).keys() - due) > 1
    assert subject.whole.days is not None
    assert all(day.metrics for day in subject.whole.days.days.values())
    assert len(subject.whole.calls) > 4


@tried(examples=100, nightly=25_000)
@given(data=st.data())
def test_changed_answer_spoils_nothing_else(subject: Scene, data: st.DataObject) -> None:
    call = data.draw(st.sampled_from(subject.whole.calls), "call")
    path = data.draw(st.sampled_from(list(places(call.body))), "path")
    kind = data.draw(st.sampled_from(KINDS), "kind")
    once = data.draw(st.booleans(), "once")
    check(subject, call, path, lambda body: mutated(body, path, kind), once=once)


@tried(examples=30, nightly=5_000)
@given(data=st.data())
def test_recorded_answer_in_the_place_of_another_spoils_nothing_else(
    subject: Scene, fixtures: FilePath, data: st.DataObject
) -> None:
    recorded = sorted(recordings(fixtures, FOLDERS.get(subject.platform, subject.platform)))
    other = json.loads(data.draw(st.sampled_from(recorded), "recorded").read_text())
    call = data.draw(st.sampled_from(subject.whole.calls), "call")
    where: Path = (data.draw(st.integers(0, len(call.elements) - 1), "element"), "body") if call.elements else ()
    path = data.draw(st.sampled_from(list(places(other))), "path")
    kind = data.draw(st.sampled_from(KINDS), "kind")
    check(subject, call, where, lambda body: put(body, where, mutated(other, path, kind)))


def check(subject: Scene, target: Call, path: Path, changed: Callable[[Any], Any], *, once: bool = False) -> None:
    """Read while one answer is changed at a path, and check the reading."""
    struck: list[Call] = []

    def change(call: Call) -> Any:
        if call.key != target.key or (once and struck):
            return call.body
        struck.append(call)
        return changed(call.body)

    found = subject.read(change)
    assert found.error is None or isinstance(found.error, PlatformError), repr(found.error)
    assert len(found.calls) <= len(subject.whole.calls) + MOST_CALLS
    if found.reading is not None:
        check_numbers(subject, found)
        check_neighbours(subject, found.reading, touched(target, path), told_by_absence(target, struck))
        check_next(subject, found)


def check_numbers(subject: Scene, found: Read) -> None:
    """Check that every number of the reading is in an answer, or is the sum of documented parts."""
    said = {number for call in found.calls for number in numbers_in(call.body)}
    sums = Sums(found.calls)
    assert found.reading is not None
    for name, value in found.reading.account.metrics.items():
        assert value in said, name
    for post, numbers in found.reading.posts:
        offers = offered(subject.platform, post.metric_type, post.content_type)
        for name, value in numbers.metrics.items():
            assert is_said(subject.platform, name, len(offers[name].parts), value, said, sums), (name, value)
    for numbers in (found.days or DaysReading({})).days.values():
        for name, value in numbers.metrics.items():
            parts = len(offered(subject.platform, "account")[name].parts)
            assert is_said(subject.platform, name, parts, value, said, sums), (name, value)


class Sums:
    """The sums of several numbers within one answer, for metrics with more than two parts."""

    def __init__(self, calls: list[Call]) -> None:
        self._numbers = [found for call in calls if len(found := set(numbers_in(call.body))) <= MOST_NUMBERS]
        self._of: dict[int, set[float]] = {}

    def of(self, parts: int) -> set[float]:
        """Return the sums of so many numbers; a number may occur several times in an answer."""
        if parts not in self._of:
            chosen = (each for numbers in self._numbers for each in combinations_with_replacement(numbers, parts))
            self._of[parts] = {sum(each) for each in chosen}
        return self._of[parts]


def is_said(platform: Platform, name: str, parts: int, value: float, said: set[int | float], sums: Sums) -> bool:
    if platform == "linkedin" and value == 0:
        # A post without statistics had no activity (docs/platform-facts.md#linkedin-statistics).
        return True
    if platform == "facebook" and name == "shares" and value == 0:
        # The field is absent at 0 (docs/platform-facts.md#facebook-pages-and-posts).
        return True
    if name in ("videoViews", "accountImpressions") and platform == "twitter":
        # Sums over the videos of a post, and over the posts of a day.
        return True
    if name == "linkClicks":
        # A sum over the links of a day.
        return value in said or any(value in sums.of(links) for links in (2, 3, 4))
    if name == "watchTime" and platform == "tiktok":
        # Answers have seconds.
        return value / 1000 in said
    if parts > 2:
        return value in sums.of(parts)
    return value in said or (parts == 2 and any(value - one in said for one in said))


def told_by_absence(call: Call, struck: list[Call]) -> set[str]:
    """Return the posts that count as gone because two changed answers lack them, but are well-formed otherwise.

    Bluesky's look-up leaves out posts that no longer exist, and says nothing else about them; so does TikTok's.
    """
    if not any(name in call.path for name in LOOK_UPS) or call.status >= 400:
        return set()
    whole = named(call.body) or set()
    found = [left for left in (named(one.body) for one in struck) if left is not None]
    return {one for one in whole if sum(one not in left for left in found) > 1}


def named(body: Any) -> set[str] | None:
    """Return the ids of the posts of a look-up's answer, or None if it is not a list of posts."""
    for path, name in ((("posts",), "uri"), (("data", "videos"), "id")):
        items = at(body, path)
        if isinstance(items, list) and all(isinstance(at(item, (name,)), str) for item in items):
            return {item[name] for item in items}
    return None


def check_neighbours(subject: Scene, reading: AccountReading, posts: set[str] | None, absent: set[str]) -> None:
    """Check that posts whose answers were not changed are exact, and that none of them counts as gone; `absent` may."""
    whole = subject.reading
    there = whole.listed.keys() | {post.platform_post_id for post in subject.due}
    assert set(reading.gone) & there <= set(whole.gone) | (posts or set()) | absent
    listed = {name: post for name, post in reading.listed.items() if posts is EVERY or name not in posts}
    if posts is EVERY:
        sure = {name for name in listed.keys() & whole.listed.keys() if listed[name].kind_is_sure}
        assert {name: listed[name] for name in sure} == {name: whole.listed[name] for name in sure}
        return
    assert {name: post for name, post in whole.listed.items() if name not in posts} == {
        name: post for name, post in listed.items() if name in whole.listed
    }
    before, now = values(whole), values(reading)
    for name in before.keys() - posts:
        assert now.get(name) == before[name], name
    assert len(reading.posts) == len(now), "a post was read twice"


def check_next(subject: Scene, found: Read) -> None:
    """Check that the next reading completes a list that broke off."""
    assert found.reading is not None
    if not LISTS & found.reading.failures.keys():
        return
    listed = found.reading.listed
    after = subject.read(memory=found.memory, known=listed.values())
    assert after.reading is not None, after.error
    assert not LISTS & after.reading.failures.keys()
    assert subject.reading.listed.keys() <= listed.keys() | after.reading.listed.keys()


def touched(call: Call, path: Path) -> set[str] | None:
    """Return the posts that a change at a path of an answer may affect; `EVERY` if that is not known."""
    if call.status >= 400:
        return EVERY
    if not call.elements:
        whose, _, edge = urlsplit(call.path).path.rpartition("/")
        # An answer about one post, where each post takes a call.
        return {whose.rpartition("/")[2]} if edge == "insights" else of_item(call.body, path)
    if len(path) < 2 or path[1] != "body":
        return EVERY
    name, _, edge = urlsplit(call.elements[int(path[0])]).path.partition("/")[2].partition("/")
    if not edge or edge.endswith("insights"):
        return {name}
    return of_item(at(call.body, path[:2]), path[2:])


def of_item(body: Any, path: Path) -> set[str] | None:
    """Return the possible ids of the post of a list item."""
    if len(path) < 2 or path[0] not in ("data", "errors", "elements", "results", "statuses", "items", "feed", "posts"):
        return EVERY
    item = at(body, path[:2])
    if isinstance(body["data"] if path[0] == "data" else None, dict) and "videos" in body["data"]:
        # TikTok's answers have the list of videos within `data`.
        return of_item({"data": item}, ("data", *path[2:])) if path[1] == "videos" else EVERY
    if isinstance(item, dict) and isinstance(item.get("contentDetails"), dict) and "videoId" in item["contentDetails"]:
        # An entry of YouTube's list of uploads has an id of its own.
        return {str(item["contentDetails"]["videoId"])}
    names = ("id", "share", "ugcPost", "resource_id", "post_id", "uri", "item_id")
    ids = (*(at(item, (name,)) for name in names), path[1])
    ids = (*ids, at(at(item, ("post",)), ("uri",)))
    return {one for one in ids if isinstance(one, str)}
