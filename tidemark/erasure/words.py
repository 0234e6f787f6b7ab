"""Finding ids in text and bytes, and what is put in their place: as many letters x."""

import re
from collections.abc import Collection, Iterator

_OURS = re.compile(r"(acc|post)_[a-z2-7]{24}")
"""Ids that we made: nothing else looks like them, so they are found wherever they stand."""

_WORD = re.compile(rb"[A-Za-z0-9_-]+")


class Words:
    """Ids to erase. One of ours is replaced anywhere, any other one only where it stands as a word."""

    def __init__(self, account_ids: Collection[str], post_ids: Collection[str] = ()) -> None:
        self.account_ids = sorted(account_ids)
        self._words = {one.encode() for one in (*account_ids, *post_ids)}
        patterns = [
            re.escape(one) if _OURS.fullmatch(one) else rf"(?<![A-Za-z0-9_-]){re.escape(one)}(?![A-Za-z0-9_-])"
            for one in self.account_ids
        ]
        self._text = re.compile("|".join(patterns)) if patterns else None
        self._bytes = re.compile("|".join(patterns).encode()) if patterns else None

    def cleaned(self, text: str) -> str:
        """Return a text without the accounts' ids."""
        return self._text.sub(lambda found: "x" * len(found[0]), text) if self._text else text

    def spans(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Yield where ids of accounts and posts stand."""
        if self._bytes:
            yield from (found.span() for found in self._bytes.finditer(content))
        yield from (found.span() for found in _WORD.finditer(content) if found[0] in self._words)
