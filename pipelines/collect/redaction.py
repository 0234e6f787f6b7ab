"""Remove the platform's names and ids from messages, so that Dagster's logs and metadata have only our own ids.

Dagster keeps those for months, and an erasure must find all traces of an account there. Our ids identify nobody.
"""

import re

from metrics.documents import AccountDocument

_THEIRS = re.compile(r"urn:li:\w+:[\w-]+|\d{9,}")
"""Ids as the platforms write them. Instants and counts have fewer digits in a row."""


def redact(text: str, account: AccountDocument) -> str:
    """Return a message without the account's name and without ids of the platform."""
    for name in (account["platformAccountId"], account["handle"]):
        if name:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text)
    return _THEIRS.sub("…", text)
