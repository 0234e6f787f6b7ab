"""What one reading of a list could not see: items that cannot be read, and pages that come empty in its midst.

Such a thing may be there again in the next hour, but a walk stops at what is known, and X is asked for what is newer
than the newest post that was read. The list is therefore read once more to its end, in at most `MOST_READINGS` readings
in a row for the same item: one that stays odd must not hold its list for ever.
"""

from pipelines.platforms.memory import ListMemory

MOST_READINGS = 3
"""Readings in a row in which a list is read to its end for the same item."""

EMPTY_PAGE = "an empty page"
WITHOUT_ID = ""
_MOST_NAMES = 20
"""Items that are told apart; the others count as one."""


class Doubts:
    """The doubts of one reading of a list; `memory` has those of the readings before it."""

    def __init__(self, memory: ListMemory) -> None:
        self._memory = memory
        # The mark moves while the list is read.
        self._mark = memory.mark
        # Until a list that broke off was read to its end, the doubts of all the readings that this takes add up.
        self._tries = dict(memory.odd) if memory.gaps else {}
        self._met: set[str] = set()
        self._marked_too_far = False

    def note(self, name: str, *, in_gap: bool) -> None:
        """Note an item by its id, or by one of the names above; `in_gap` where an earlier reading had broken off."""
        if name not in self._tries and len(self._tries) >= _MOST_NAMES:
            name = WITHOUT_ID
        if name not in self._met:
            self._met.add(name)
            self._tries[name] = min(self._memory.odd.get(name, 0) + 1, MOST_READINGS)
        self._marked_too_far |= in_gap

    def settle(self, *, complete: bool) -> None:
        """Bring the memory up to date at the end of a reading; `complete` where the walk came to its end."""
        memory = self._memory
        memory.odd = self._tries
        if all(tries >= MOST_READINGS for tries in self._tries.values()):
            return
        # Of the mark with which an earlier reading began nothing is known any more: all is asked for.
        # A list that is to be walked anew has forgotten its mark, and goes without one.
        memory.mark = None if self._marked_too_far or memory.mark is None else self._mark
        if complete:
            memory.begun = False
