"""Read the provider's days of an account's history, newest first, as many at a time as one request takes."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from metrics.clock import utcnow
from metrics.collection.appending import Entry
from metrics.errors import RedisUnavailable
from metrics.upkeep.retention import Horizon
from pipelines.collect import observe
from pipelines.collect.days import stored_days
from pipelines.collect.history.span import between, days_of, newest_window, ranges_of
from pipelines.collect.report import NO_IMPOSSIBLE_VALUES
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import Transient

if TYPE_CHECKING:
    from pipelines.collect.history.turn import Turn

_TRIES_OF_PARTS = 2
"""Tries after which days count as requested although single numbers of them could not be read."""


class Days:
    """Reads the provider's days in one account's turn."""

    def __init__(self, turn: "Turn") -> None:
        self._turn = turn
        self._policy = turn.tools.api.days
        self._missing: set[date] | None = None

    @property
    def open(self) -> bool:
        """True if any day is still to be requested."""
        return bool(self.look_up())

    def give_up(self, *, everything: bool) -> None:
        """Skip the days that would be requested next, or all of them, until the history is requested again."""
        left = days_of(self._turn.history["left"]) | (self.look_up() if everything else set(self._window()))
        self._turn.history["left"] = ranges_of(left)
        self._missing = self.look_up() - left

    def read(self, access: Access, tally: Tally) -> None:
        """Request the next days, and store the values that the log lacks.

        Raises:
            PlatformError: the days could not be read.
            MongoUnavailable: MongoDB does not answer.
        """
        turn, days = self._turn, self._window()
        reading = turn.tools.api.read_days(access, days, tally, turn.tools.budget.half)
        turn.check()
        if tally.limited is not None or reading.failures:
            self._note_partly(days)
        known = stored_days(turn.store, turn.account["_id"], days)
        version = turn.tools.api.api_version
        found = list(observe.day_observations(turn.account, reading.days, known, turn.run_id, version))
        turn.tools.commands.append(Entry(turn.account["workspaceId"], found))
        turn.rows += len(found)
        try:
            # Without events: each day has its own event when it is rolled up.
            turn.announcer.announce(turn.account["workspaceId"])
        except RedisUnavailable:
            turn.progress.unannounced.add(turn.account["workspaceId"])
        if tally.limited is not None:
            # Some of these days were not read: they are requested again.
            return
        if reading.failures:
            what, message = next(iter(reading.failures.items()))
            text = f"{len(reading.failures)} numbers of {days[-1]} to {days[0]} were not read, as {what}: {message}"
            if turn.history["tries"] < _TRIES_OF_PARTS:
                raise Transient(text)
            turn.problem(f"days to {days[0]}", "provider_error", text)
        for what, text in reading.odd.items():
            turn.problem(NO_IMPOSSIBLE_VALUES, "provider_error", f"{what}: {text}; it was left out")
        turn.days += len(days)
        self._note(days, reading.days)
        turn.note_progress()

    def _window(self) -> list[date]:
        """Return the days to request next: as many as one request takes, and half as many after each failed try."""
        if self._policy is None:
            return []
        return newest_window(self.look_up(), max(self._policy.span >> self._turn.history["tries"], 1))

    def look_up(self) -> set[date]:
        """Return the days that are still to be requested."""
        if self._missing is None:
            self._missing = self._wanted()
            self._count()
        return self._missing

    def _wanted(self) -> set[date]:
        """Return the days that the platform answers for and that are kept, without those that were read before."""
        turn, policy, now = self._turn, self._policy, utcnow()
        if policy is None:
            return set()
        # A day that retention deletes before it is rolled up would never be shown.
        kept = Horizon.of(turn.store, turn.settings, now).derivable(turn.account["workspaceId"], "daily").date()
        rest = set(between(max(policy.oldest(now), kept), policy.newest(now)))
        history = turn.history
        rest -= days_of(history["asked"]) | days_of(history["left"])
        # Hourly collection has read these, or a turn that was killed before it noted them.
        stored = stored_days(turn.store, turn.account["_id"], sorted(rest)).keys() - days_of(history["partly"])
        history["asked"] = ranges_of(days_of(history["asked"]) | stored)
        return rest - stored

    def _note_partly(self, days: list[date]) -> None:
        """Note that the log will have these days in part only, before they are appended."""
        history = self._turn.history
        history["partly"] = ranges_of(days_of(history["partly"]) | set(days))
        self._turn.keep()

    def _note(self, days: list[date], readings: Mapping[date, Reading]) -> None:
        """Note that days were requested, and count the metrics without a value, by reason."""
        history = self._turn.history
        history["asked"] = ranges_of(days_of(history["asked"]) | set(days))
        history["partly"] = ranges_of(days_of(history["partly"]) - set(days))
        for reading in readings.values():
            for name, reason in reading.unavailable.items():
                reasons = history["unavailable"].setdefault(name, {})
                reasons[reason] = reasons.get(reason, 0) + 1
        self._missing = self.look_up() - set(days)
        self._count()

    def _count(self) -> None:
        history = self._turn.history
        asked = len(days_of(history["asked"]))
        open_days = len(self._missing or ()) + len(days_of(history["left"]))
        history["days"] = {"done": asked, "expected": asked + open_days}
