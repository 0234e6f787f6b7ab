"""Normal forms of the platforms' ids: each account and post has one, however clients spell it.

Instagram's account is `17841400000000001`, LinkedIn's post `urn:li:share:7123…`. Whitespace and invisible characters
around an id are dropped, leading zeros too, and percent-encoded URNs are decoded. Everything else is refused with a
message that shows the right form. The rules of each platform are in its module of `metrics/platforms`.
"""

import re
from contextlib import suppress
from typing import NoReturn

from metrics.documents import MetricType, Platform
from metrics.errors import InvalidInput
from metrics.platforms.facts import Ids
from metrics.platforms.registry import FACTS
from metrics.visible import trimmed

_WORD = re.compile(r"\A\s*(?!urn:)[A-Za-z_]+:(?=[0-9]+\s*\Z)")


def normal_account_id(platform: Platform, text: str, parameter: str = "platformAccountId") -> str:
    """Return the normal form of a platform's id of an account.

    Raises:
        InvalidInput: the text is not such an id; the message gives the parameter, the reason, and the right form with
            an example.
    """
    return _normal(FACTS[platform].account_ids, text, parameter)


def account_id_or_name(platform: Platform, text: str, parameter: str = "platformAccountId") -> tuple[str, bool]:
    """Return the normal form of an account's id; or of its name, with True, if the platform resolves names.

    Raises:
        InvalidInput: the text is neither; the message is that of `normal_account_id`.
    """
    names = FACTS[platform].account_names
    try:
        return normal_account_id(platform, text, parameter), False
    except InvalidInput:
        if names is None:
            raise
        try:
            return _normal(names, text, parameter), True
        except InvalidInput:
            pass
        raise


def watched_key(platform: Platform, text: str, parameter: str = "handle") -> str:
    """Return the key of an account of somebody else: the platform's id of it, or `@` and its handle.

    A text that begins with `@` is a handle. Any other is an id where the platform finds accounts of others by their ids
    and the text can be one.

    Raises:
        InvalidInput: the text is neither; the message gives the parameter, the reason, and the right form with an
            example.
    """
    public = FACTS[platform].public
    if public.by_id and not trimmed(text).startswith("@"):
        with suppress(InvalidInput):
            return normal_account_id(platform, text, parameter)
    return "@" + _normal(public.handles, text, parameter)


def stored_account_id(platform: Platform, stored: str) -> str:
    """Return the normal form of the platform id in a stored account.

    Older versions stored ids as they were typed, some with a word before the number: `page:123` is 123.

    Raises:
        InvalidInput: the stored text is not an id of the platform.
    """
    return normal_account_id(platform, _WORD.sub("", stored))


def same_account_ids(platform: Platform, normal: str) -> tuple[str, ...]:
    """Return all normal forms of the same account, this one included: on LinkedIn a number has two."""
    return FACTS[platform].same_accounts(normal)


def account_number(normal: str) -> str:
    """Return the number in a normal form, which identifies the account: LinkedIn numbers all pages in one sequence."""
    return normal.rpartition(":")[2]


def normal_post_id(platform: Platform, text: str, parameter: str = "platformPostId") -> str:
    """Return the normal form of a platform's id of a post.

    Raises:
        InvalidInput: the text is not such an id, or X cannot have assigned it yet; the message gives the parameter, the
            reason, and the right form with an example.
    """
    return _normal(FACTS[platform].post_ids, text, parameter)


def check_announced_id(platform: Platform, post_id: str, metric_type: MetricType, parameter: str) -> None:
    """Refuse an id with which a client announces a post, if it may be the id of a part of the post.

    Raises:
        InvalidInput: the message gives the parameter, the reason, and the right id.
    """

    def refuse(reason: str) -> NoReturn:
        raise InvalidInput(f"{parameter}: {reason}", parameter)

    FACTS[platform].check_announced(post_id, metric_type, refuse)


def _normal(ids: Ids, text: str, parameter: str) -> str:
    def refuse(reason: str) -> NoReturn:
        raise InvalidInput(f"{parameter}: {reason}; {ids.form}", parameter)

    return ids.normal(trimmed(text), refuse)
