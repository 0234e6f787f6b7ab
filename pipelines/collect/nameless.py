"""What a platform said, without what it calls the account and its posts: logs and metadata name our ids alone.

They stay for months in Dagster's storage; what is erased has to be found there, and our ids say nothing by themselves.
"""

import re

from metrics.documents import AccountDocument

_THEIRS = re.compile(r"urn:li:\w+:[\w-]+|\d{9,}")
"""Ids as the platforms write them; instants and counts are shorter, or have their separators."""


def nameless(text: str, account: AccountDocument) -> str:
    """Return a message without the account's name and without ids of the platform."""
    for name in (account["platformAccountId"], account["handle"]):
        if name:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text)
    return _THEIRS.sub("…", text)
