"""Normal forms of the platforms' ids: each account and post has one, however clients spell it.

    platform    account                                     post
    instagram   17841400000000001                           17912345678901234
    facebook    100000000000001                             100000000000001_122100000000000001, or the number of a video
    twitter     700000007                                   1812345678901234567
    linkedin    5500001, or for a showcase page             urn:li:share:7123…, urn:li:ugcPost:7123…
                urn:li:organizationBrand:5500002

Whitespace and invisible characters around an id are dropped, leading zeros too, and percent-encoded URNs are decoded.
Everything else is refused with a message that shows the right form. The forms are those of the platforms' own
documentation: nodes of the Graph API; X's ids, which are 64-bit numbers; LinkedIn's "Organizational Entities", where a
company page is `urn:li:organization:{id}` and a showcase page `urn:li:organizationBrand:{id}`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from urllib.parse import unquote

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.visible import trimmed, visible

_LARGEST = 2**63
"""All four platforms keep ids in signed 64-bit numbers; this is the first number that does not fit."""

_EXPONENT = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_URN = re.compile(r"urn:li:([a-z]+):([^:]*)", re.IGNORECASE)
_BRAND = "urn:li:organizationBrand:"
_WORD = re.compile(r"\A\s*(?!urn:)[A-Za-z_]+:(?=[0-9]+\s*\Z)")
_SHOWN = 32
"""A value longer than this is not shown in messages: it may be a token in the wrong column."""

_SNOWFLAKE_EPOCH = datetime.fromtimestamp(1_288_834_974.657, UTC)
_SNOWFLAKE_SHIFT = 22
"""X's ids hold milliseconds since 4 November 2010 above 22 bits (docs.x.com, "X IDs")."""
_CLOCKS_DIFFER = timedelta(minutes=5)

_ACCOUNT_FORMS: Mapping[Platform, str] = {
    "instagram": "give the number of the professional account, as 17841400000000001 (`instagram_business_account` of "
    "its Facebook page, or `user_id` of `GET /me` with Instagram Login)",
    "facebook": "give the number of the page, as 100000000000001 (`id` in `GET /me/accounts`)",
    "twitter": "give the number of the user, as 700000007 (`id` in `GET /2/users/me`)",
    "linkedin": "give the number of the page, as 5500001 or urn:li:organization:5500001 (in the address of its admin "
    "view, or in `GET /rest/organizationAcls`)",
}
_POST_FORMS: Mapping[Platform, str] = {
    "instagram": "give the number of the media, as 17912345678901234 (the `id` that the publishing call returned)",
    "facebook": "give page and post, as 100000000000001_122100000000000001 (the `post_id` that the publishing call "
    "returned), "
    "or the number of a reel's video",
    "twitter": "give the number of the post, as 1812345678901234567 (the `id` that the publishing call returned)",
    "linkedin": "give the URN of the post, as urn:li:share:7123456789012345678 or urn:li:ugcPost:7123456789012345678 "
    "(the header `x-restli-id` of the publishing call)",
}


def normal_account_id(platform: Platform, text: str, parameter: str = "platformAccountId") -> str:
    """Return the normal form of a platform's id of an account.

    Raises:
        InvalidInput: the text is not such an id; the message gives the parameter, the reason, and the right form with
            an example.
    """
    bare, form = trimmed(text), _ACCOUNT_FORMS[platform]

    def refuse(reason: str) -> NoReturn:
        raise InvalidInput(f"{parameter}: {reason}; {form}", parameter)

    if platform != "linkedin":
        return _number(bare, refuse)
    urn = _URN.fullmatch(unquote(bare))
    if urn is None:
        return _number(bare, refuse)
    kind, number = urn[1].lower(), _number(urn[2], refuse)
    if kind not in ("organization", "organizationbrand"):
        refuse(f"{_shown(bare)} is not a page: only pages are collected")
    return number if kind == "organization" else _BRAND + number


def stored_account_id(platform: Platform, stored: str) -> str:
    """Return the normal form of the platform id in a stored account.

    Older versions stored ids as they were typed, some with a word before the number: `page:123` is 123.

    Raises:
        InvalidInput: the stored text is not an id of the platform.
    """
    return normal_account_id(platform, _WORD.sub("", stored))


def same_account_ids(platform: Platform, normal: str) -> tuple[str, ...]:
    """Return all normal forms of the same account, this one included: on LinkedIn a number has two."""
    number = account_number(normal)
    return (number, _BRAND + number) if platform == "linkedin" else (number,)


def account_number(normal: str) -> str:
    """Return the number in a normal form, which identifies the account: LinkedIn numbers all pages in one sequence."""
    return normal.rpartition(":")[2]


def normal_post_id(platform: Platform, text: str, parameter: str = "platformPostId") -> str:
    """Return the normal form of a platform's id of a post.

    Raises:
        InvalidInput: the text is not such an id, or X cannot have assigned it yet; the message gives the parameter, the
            reason, and the right form with an example.
    """
    bare, form = trimmed(text), _POST_FORMS[platform]

    def refuse(reason: str) -> NoReturn:
        raise InvalidInput(f"{parameter}: {reason}; {form}", parameter)

    if platform == "linkedin":
        return _linkedin_post(bare, refuse)
    if platform == "facebook" and bare.count("_") == 1:
        page, _, post = bare.partition("_")
        return f"{_number(page, refuse)}_{_number(post, refuse)}"
    number = _number(bare, refuse)
    if platform == "twitter" and _published(int(number)) > utcnow() + _CLOCKS_DIFFER:
        refuse(f"{number} would be of {_published(int(number)):%Y-%m-%d}: X has not given it out yet")
    return number


def _linkedin_post(bare: str, refuse: Callable[[str], NoReturn]) -> str:
    urn = _URN.fullmatch(unquote(bare))
    if urn is None:
        if re.fullmatch(r"[0-9]+", bare):
            refuse(f"{_shown(bare)} does not say whether it is a share or a ugcPost")
        refuse(f"{_shown(bare)} is not the URN of a post")
    kind = urn[1].lower()
    if kind == "activity":
        refuse("urn:li:activity: names an entry of a feed, for which LinkedIn has no statistics")
    if kind not in ("share", "ugcpost"):
        refuse(f"{_shown(bare)} is not the URN of a post")
    return f"urn:li:{'share' if kind == 'share' else 'ugcPost'}:{_number(urn[2], refuse)}"


def _published(snowflake: int) -> datetime:
    return _SNOWFLAKE_EPOCH + timedelta(milliseconds=snowflake >> _SNOWFLAKE_SHIFT)


def _number(text: str, refuse: Callable[[str], NoReturn]) -> str:
    """Return a whole number from 1 to 2^63 - 1 without leading zeros."""
    if _EXPONENT.fullmatch(text):
        refuse(f"{_shown(text)} was rounded by a spreadsheet, and digits are lost: format the column as text there")
    if "://" in text or text.lower().startswith("www."):
        refuse("it is a web address")
    if not re.fullmatch(r"[0-9]{1,40}", text):
        refuse(f"{_shown(text)} is not a whole number")
    number = int(text)
    if number == 0:
        refuse("no account or post has the id 0")
    if number >= _LARGEST:
        refuse(f"{_shown(text)} is greater than any id (64 bits)")
    return str(number)


def _shown(text: str) -> str:
    if not text:
        return "an empty text"
    return visible(text) if len(text) <= _SHOWN else f"a text of {len(text)} characters"
