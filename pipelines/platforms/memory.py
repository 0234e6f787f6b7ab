"""What the reading of an account has to know of its earlier readings; collection keeps it from hour to hour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ListMemory:
    """Where the reading of one list stands.

    `begun` tells that the list was walked from its newest item down to where the `gaps` begin; a gap is the place, as
    parameters of the platform's own, where a walk broke off. `mark` is the newest id that the list itself brought, for
    platforms that can be asked for what came after it. `size` is the number of items per page that the platform last
    answered, where it refused more. `stuck` counts readings in a row that came no further at a gap. `odd` counts, by
    the id of an item that could not be read, the readings that met it (`pipelines.platforms.doubts`); `again` counts
    how often a list that is read once, page by page, was begun anew because of such items. `put_off` counts readings
    in a row in which the list was not read, because another one has to be read before it.
    """

    begun: bool = False
    gaps: list[dict[str, str]] = field(default_factory=list)
    mark: str | None = None
    size: int | None = None
    stuck: int = 0
    odd: dict[str, int] = field(default_factory=dict)
    again: int = 0
    put_off: int = 0

    @property
    def done(self) -> bool:
        """Whether a walk from the newest item to the end, however often it was broken off, has come to its end."""
        return self.begun and not self.gaps

    def forget(self) -> None:
        """Begin anew: the next walk goes to the end. Doubts about single items stay."""
        self.begun, self.gaps, self.mark, self.stuck = False, [], None, 0


@dataclass
class Memory:
    """What is remembered of an account: its lists by name, and whether its token may not see insights.

    `named_on` is the UTC date (ISO 8601) on which the account's name was last asked for, where that costs a call.
    """

    lists: dict[str, ListMemory] = field(default_factory=dict)
    without_insights: bool = False
    named_on: str = ""

    @property
    def done(self) -> bool:
        """Whether every list that was begun was read to its end."""
        return all(one.done for one in self.lists.values())

    def list(self, name: str) -> ListMemory:
        """Return the memory of a list, a new one if it was never read."""
        return self.lists.setdefault(name, ListMemory())

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Memory":
        """Return the memory of its stored form; what a later version stored beside it is passed over."""
        lists = {
            name: ListMemory(
                bool(one.get("begun")),
                [dict(gap) for gap in one.get("gaps", ())],
                one.get("mark"),
                one.get("size"),
                int(one.get("stuck", 0)),
                {item["id"]: int(item["readings"]) for item in one.get("odd", ())},
                int(one.get("again", 0)),
                int(one.get("putOff", 0)),
            )
            for name, one in kept.get("lists", {}).items()
        }
        return cls(lists, bool(kept.get("withoutInsights")), str(kept.get("namedOn", "")))

    def kept(self) -> dict[str, Any]:
        """Return the form in which it is stored."""
        lists = {
            name: {
                "begun": one.begun,
                "gaps": [dict(gap) for gap in one.gaps],
                **({"mark": one.mark} if one.mark is not None else {}),
                **({"size": one.size} if one.size is not None else {}),
                **({"stuck": one.stuck} if one.stuck else {}),
                # A list of objects: an id may hold what the name of a field may not.
                **({"odd": [{"id": item, "readings": n} for item, n in one.odd.items()]} if one.odd else {}),
                **({"again": one.again} if one.again else {}),
                **({"putOff": one.put_off} if one.put_off else {}),
            }
            for name, one in self.lists.items()
        }
        return {"lists": lists, "withoutInsights": self.without_insights, "namedOn": self.named_on}
