"""The form of stored captions, the form in which they are searched, and how long content may be shown."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.documents import Platform, PostDocument
from metrics.post_content import EXCERPT, excerpt, folded, public_content, too_old

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
TTL = timedelta(minutes=5)
FAMILY, WOMAN_COOK, FRANCE = "👨‍👩‍👧‍👦", "👩🏽‍🍳", "🇫🇷"


@given(st.text(st.characters(), max_size=300))
def test_excerpt_is_the_beginning_in_one_line(text: str) -> None:
    found = excerpt(text)
    assert len(found) <= EXCERPT
    assert found == " ".join(found.split())
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in found)
    found.encode()
    assert excerpt(found) == found
    line = " ".join("".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs")).split())
    assert line.startswith(found)
    assert len(found) == len(line) or len(found) > EXCERPT - 40


@pytest.mark.parametrize(
    "grapheme", [FAMILY, WOMAN_COOK, FRANCE, "e\u0301", "न्", "☺️", "🏴\U000e0067\U000e0062\U000e007f"]
)
def test_excerpt_does_not_cut_a_grapheme(grapheme: str) -> None:
    for before in range(EXCERPT - len(grapheme), EXCERPT + 1):
        found = excerpt("a" * before + grapheme + "b" * EXCERPT)
        assert found.strip("ab") in ("", grapheme), before


def test_flags_stay_pairs() -> None:
    assert excerpt("x" + FRANCE * 100) == "x" + FRANCE * 59


def test_endless_grapheme_is_cut() -> None:
    assert excerpt("e" + "\u0301" * 500) == "e" + "\u0301" * (EXCERPT - 1)


def test_half_a_character_and_controls_are_left_out() -> None:
    assert excerpt("a\ud83d b\x00c\x1b[31m\r\n\n d\u2028e\u00a0f") == "a bc[31m d e f"


@pytest.mark.parametrize(
    ("caption", "search"),
    [("STRASSE", "straße"), ("İstanbul", "istanbul"), ("ISTANBUL", "i̇stanbul"), ("\uff33\uff41\uff4c\uff45", "sale"),
     ("CAFE\u0301", "café"), ("ΣΊΣΥΦΟΣ", "σίσυφος")],
)  # fmt: skip
def test_case_and_width_do_not_count(caption: str, search: str) -> None:
    assert folded(search) in folded(caption)


def post(platform: Platform, seen: timedelta, **content: Any) -> PostDocument:
    body = {"platform": platform, "content": {"seenAt": NOW - seen, "permalink": "https://x.com/i/status/1", **content}}
    return cast("PostDocument", body)


@pytest.mark.parametrize(
    ("platform", "seen", "shown"),
    [("twitter", 23, True), ("twitter", 24, False), ("linkedin", 24 * 179, True), ("linkedin", 24 * 180, False),
     ("instagram", 24 * 400, True), ("facebook", 24 * 400, True)],
)  # fmt: skip
def test_content_is_shown_for_as_long_as_the_terms_allow(platform: Platform, seen: int, shown: bool) -> None:
    assert bool(public_content(post(platform, timedelta(hours=seen)), NOW, TTL)) == shown


def test_expired_thumbnail_is_absent() -> None:
    def fields(expires: timedelta) -> set[str]:
        found = post("instagram", TTL, thumbnailUrl="https://a/b", thumbnailExpiresAt=NOW + expires)
        return set(public_content(found, NOW, TTL))

    assert fields(timedelta(minutes=6)) == {"permalink", "thumbnailUrl", "thumbnailExpiresAt"}
    assert fields(TTL) == fields(-TTL) == {"permalink"}


def test_folded_caption_and_time_of_sight_are_not_shown() -> None:
    found = post("instagram", TTL, captionExcerpt="A", captionFolded="a")
    assert public_content(found, NOW, TTL) == {"permalink": "https://x.com/i/status/1", "captionExcerpt": "A"}


def test_deleted_post_shows_nothing() -> None:
    gone: PostDocument = {**post("instagram", TTL), "deletedAt": NOW}
    assert public_content(gone, NOW, TTL) == {}


def test_posts_of_x_have_content_for_as_long_as_they_are_read_daily() -> None:
    month = timedelta(days=30)
    assert not too_old("twitter", NOW - month, NOW)
    assert too_old("twitter", NOW - month - TTL, NOW)
    assert not too_old("instagram", NOW - 100 * month, NOW)
