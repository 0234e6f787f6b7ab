"""The content of posts (caption, permalink, thumbnail): the form in which it is stored, and how long it is shown."""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from metrics.documents import Platform, PostDocument
from metrics.platforms.registry import FACTS

EXCERPT = 120
"""Maximum number of characters (Unicode code points) of a stored caption."""

_LONGEST_GRAPHEME = 32
"""An excerpt is shortened by at most so many characters to end between two graphemes."""
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""All control characters that are no whitespace."""
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_TAGS = range(0xE0020, 0xE0080)


def excerpt(text: str) -> str:
    """Return the beginning of a caption: at most `EXCERPT` characters, in one line.

    Whitespace becomes single spaces. Control characters and lone surrogates, which MongoDB cannot store, are left out.
    The excerpt ends before a grapheme (such as an emoji with a skin tone) that it could not hold whole.
    """
    valid = text.encode(errors="ignore").decode()
    line = " ".join(_CONTROL.sub("", valid).split())
    return line if len(line) <= EXCERPT else line[: _end(line)].rstrip()


def _end(line: str) -> int:
    """Return where an excerpt of a longer line ends."""
    places = range(EXCERPT, EXCERPT - _LONGEST_GRAPHEME, -1)
    return next((place for place in places if not _is_within_grapheme(line, place)), EXCERPT)


def _is_within_grapheme(text: str, place: int) -> bool:
    """Tell whether the characters before and after a place belong together (most cases of Unicode's annex 29)."""
    before, after = text[place - 1], text[place]
    code = ord(after)
    if _JOINER in (before, after) or unicodedata.category(after).startswith("M"):
        return True
    if code in _SKIN_TONES or code in _TAGS:
        return True
    if code not in _FLAG_LETTERS:
        return False
    # A flag is a pair of letters: an odd number of them before this place means that the place splits a pair.
    letters = 0
    while letters < place and ord(text[place - 1 - letters]) in _FLAG_LETTERS:
        letters += 1
    return letters % 2 == 1


def folded(text: str) -> str:
    """Return a text in the form in which captions are searched: differences of case and of width do not count."""
    if text.isascii():
        return text.lower()
    same = unicodedata.normalize("NFKC", text).casefold()
    # The Turkish capital letter İ becomes two characters; without the second one it equals an ordinary i.
    return unicodedata.normalize("NFKC", same).replace("i\u0307", "i")


def seen_after(now: datetime) -> dict[Platform, datetime]:
    """Return, by platform with a limit, the instant after which content must have been seen to be kept at `now`."""
    unseen = {name: facts.content.unseen for name, facts in FACTS.items()}
    return {name: now - limit for name, limit in unseen.items() if limit is not None}


def too_old(platform: Platform, published_at: datetime, now: datetime) -> bool:
    """Tell whether a post was published too long ago to have content."""
    age = FACTS[platform].content.age
    return age is not None and published_at < now - age


def public_content(post: PostDocument, now: datetime, lasting: timedelta) -> dict[str, Any]:
    """Return the content of a post for clients, without what is unknown or may no longer be shown.

    `lasting` is the time for which the answer may be kept in a cache: what expires within it is left out.
    """
    content = post.get("content")
    if content is None or "deletedAt" in post:
        return {}
    unseen = FACTS[post["platform"]].content.unseen
    if unseen is not None and content["seenAt"] <= now + lasting - unseen:
        return {}
    names = ["permalink", "captionExcerpt"]
    expires = content.get("thumbnailExpiresAt")
    if expires is None or expires > now + lasting:
        names += ["thumbnailUrl", "thumbnailExpiresAt"]
    return {name: content[name] for name in names if name in content}  # type: ignore[literal-required]


def lasting_permalink(post: PostDocument) -> str | None:
    """Return the link of a post for a place in which it stays; None if its content may be kept for some time only.

    A deleted post has none.
    """
    limits = FACTS[post["platform"]].content
    if "deletedAt" in post or limits.unseen is not None or limits.age is not None:
        return None
    return post.get("content", {}).get("permalink")
