"""Finds ids in text and bytes, and replaces them by as many letters x."""

import re
from collections.abc import Collection, Iterator

_OURS = re.compile(r"(acc|post)_[a-z2-7]{24}")
"""Ids made by Tidemark. Nothing else looks like them, so they are searched for anywhere, also inside words."""

_WORD = re.compile(rb"[A-Za-z0-9_-]+")


class Words:
    """The ids to erase. Tidemark's own ids are found anywhere in a text, other ids only as whole words."""

    def __init__(self, account_ids: Collection[str], post_ids: Collection[str] = ()) -> None:
        self.account_ids = sorted(account_ids)
        self._words = {name.encode() for name in (*account_ids, *post_ids)}
        patterns = [
            re.escape(name) if _OURS.fullmatch(name) else rf"(?<![A-Za-z0-9_-]){re.escape(name)}(?![A-Za-z0-9_-])"
            for name in self.account_ids
        ]
        self._text = re.compile("|".join(patterns)) if patterns else None
        self._bytes = re.compile("|".join(patterns).encode()) if patterns else None

    def cleaned(self, text: str) -> str:
        """Return a text in which the accounts' ids are replaced."""
        return self._text.sub(lambda found: "x" * len(found[0]), text) if self._text else text

    def spans(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Yield the positions (start, end) of ids of accounts and posts."""
        if self._bytes:
            yield from (found.span() for found in self._bytes.finditer(content))
        yield from (found.span() for found in _WORD.finditer(content) if found[0] in self._words)
