"""The memory of an account between two readings: how far its lists and its files of reports were read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ListMemory:
    """How far one list was read.

    `begun` is True once the list was walked from its newest item, except for the `gaps`. A gap is the place, in the
    platform's own parameters, where a walk broke off. `mark` is the newest id that the list returned, for platforms
    that can be asked for newer items only. `size` is the page size that the platform last accepted, if it refused the
    usual one. `stuck` counts consecutive readings that did not get further at a gap. `odd` has the ids of items that
    could not be read, with the number of readings that met them (`pipelines.platforms.doubts`). `again` counts how
    often a list that is read only once (`read_past`) was restarted because of such items. `put_off` counts consecutive
    readings in which the list was not read because another list has to be read before it. `seen` describes what the
    account showed when the list was last read, for a list that is read again only after that changed.
    """

    begun: bool = False
    gaps: list[dict[str, str]] = field(default_factory=list)
    mark: str | None = None
    size: int | None = None
    stuck: int = 0
    odd: dict[str, int] = field(default_factory=dict)
    again: int = 0
    put_off: int = 0
    seen: str = ""

    @property
    def done(self) -> bool:
        """True if the list was read from its newest item to its end, in one walk or several."""
        return self.begun and not self.gaps

    def forget(self) -> None:
        """Reset the state, so that the next walk goes to the end. Counts of odd items stay."""
        self.begun, self.gaps, self.mark, self.stuck = False, [], None, 0


@dataclass
class JobMemory:
    """A job for which a platform makes files of reports, and how far these were read.

    `id` is the platform's id of the job; it is empty while there is none. `checked_on` is the UTC date (ISO 8601) on
    which it was last checked that the job exists. All files that were created until `mark`, in the platform's own form
    of an instant, were read; of the later ones, those with the ids in `taken`. `odd` has the ids of files without valid
    content, with the number of readings that met them. `behind` is set if a reading broke off for a reason that may
    pass within an hour.
    """

    id: str = ""
    checked_on: str = ""
    mark: str = ""
    taken: list[str] = field(default_factory=list)
    odd: dict[str, int] = field(default_factory=dict)
    behind: bool = False

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "JobMemory":
        """Return the memory from its stored form."""
        return cls(
            str(kept.get("id", "")),
            str(kept.get("checkedOn", "")),
            str(kept.get("mark", "")),
            list(kept.get("taken", ())),
            {item["id"]: int(item["readings"]) for item in kept.get("odd", ())},
            bool(kept.get("behind")),
        )

    def kept(self) -> dict[str, Any]:
        """Return the memory in its stored form."""
        return {
            "id": self.id,
            "checkedOn": self.checked_on,
            "mark": self.mark,
            "taken": list(self.taken),
            "odd": [{"id": item, "readings": n} for item, n in self.odd.items()],
            "behind": self.behind,
        }


@dataclass
class Memory:
    """The memory of an account between readings: its lists by name, and whether its token is denied insights.

    `named_on` is the UTC date (ISO 8601) of the last request for the account's name, or for the account that the token
    belongs to, if that takes a call of its own. `jobs` are the jobs of reports by the type of the reports, for a
    platform that has them.
    """

    lists: dict[str, ListMemory] = field(default_factory=dict)
    without_insights: bool = False
    named_on: str = ""
    jobs: dict[str, JobMemory] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """True if every list in the memory was read to its end."""
        return all(state.done for state in self.lists.values())

    def list(self, name: str) -> ListMemory:
        """Return the memory of a list; an empty one is created if the list was never read."""
        return self.lists.setdefault(name, ListMemory())

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Memory":
        """Return the memory from its stored form; fields that a later version added are ignored."""
        lists = {
            name: ListMemory(
                bool(state.get("begun")),
                [dict(gap) for gap in state.get("gaps", ())],
                state.get("mark"),
                state.get("size"),
                int(state.get("stuck", 0)),
                {item["id"]: int(item["readings"]) for item in state.get("odd", ())},
                int(state.get("again", 0)),
                int(state.get("putOff", 0)),
                str(state.get("seen", "")),
            )
            for name, state in kept.get("lists", {}).items()
        }
        jobs = {kind: JobMemory.of(job) for kind, job in kept.get("jobs", {}).items()}
        return cls(lists, bool(kept.get("withoutInsights")), str(kept.get("namedOn", "")), jobs)

    def kept(self) -> dict[str, Any]:
        """Return the memory in its stored form."""
        lists = {
            name: {
                "begun": state.begun,
                "gaps": [dict(gap) for gap in state.gaps],
                **({"mark": state.mark} if state.mark is not None else {}),
                **({"size": state.size} if state.size is not None else {}),
                **({"stuck": state.stuck} if state.stuck else {}),
                # A list of objects, because an id may contain characters that a field name may not.
                **({"odd": [{"id": item, "readings": n} for item, n in state.odd.items()]} if state.odd else {}),
                **({"again": state.again} if state.again else {}),
                **({"putOff": state.put_off} if state.put_off else {}),
                **({"seen": state.seen} if state.seen else {}),
            }
            for name, state in self.lists.items()
        }
        jobs = {"jobs": {kind: job.kept() for kind, job in self.jobs.items()}} if self.jobs else {}
        return {"lists": lists, "withoutInsights": self.without_insights, "namedOn": self.named_on, **jobs}
