"""Bookkeeping of unreadable items and empty pages in a list, which make later readings read the whole list again.

The item may be readable in the next hour. An ordinary walk would not reach it, though: it stops at known posts, and X
is asked only for posts newer than the newest one read. The list is therefore read to its end again, in at most
`MOST_READINGS` consecutive readings for the same item, so that a permanently odd item does not force this for ever.
"""

from pipelines.platforms.memory import ListMemory

MOST_READINGS = 3
"""Maximum number of consecutive readings in which a list is read to its end because of the same item."""

EMPTY_PAGE = "an empty page"
WITHOUT_ID = ""
_MOST_NAMES = 20
"""Maximum number of items counted by name; all others are counted together under `WITHOUT_ID`."""


class Doubts:
    """The doubtful items of one reading of a list; `memory` has those of earlier readings."""

    def __init__(self, memory: ListMemory) -> None:
        self._memory = memory
        # Saved because the walk advances the mark.
        self._mark = memory.mark
        # While gaps are left, the list takes several readings to reach its end, and their doubts accumulate.
        self._tries = dict(memory.odd) if memory.gaps else {}
        self._met: set[str] = set()
        self._marked_too_far = False

    def note(self, name: str, *, in_gap: bool) -> None:
        """Note an item by its id, or by `EMPTY_PAGE` or `WITHOUT_ID`; `in_gap` if it was met while a gap was read."""
        if name not in self._tries and len(self._tries) >= _MOST_NAMES:
            name = WITHOUT_ID
        if name not in self._met:
            self._met.add(name)
            self._tries[name] = min(self._memory.odd.get(name, 0) + 1, MOST_READINGS)
        self._marked_too_far |= in_gap

    def settle(self, *, complete: bool) -> None:
        """Update the memory at the end of a reading; `complete` tells whether the walk reached its end."""
        memory = self._memory
        memory.odd = self._tries
        if all(tries >= MOST_READINGS for tries in self._tries.values()):
            return
        # An item in a gap is older than this reading's first mark, and the earlier mark is lost: start without a mark.
        # A list that must be walked anew has no mark already, and stays without one.
        memory.mark = None if self._marked_too_far or memory.mark is None else self._mark
        if complete:
            memory.begun = False
