"""From which day on observations and rollups are there, by the settings and by the workspace's own retention."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.periods import DAY, midnight
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.retention import Days


@dataclass(frozen=True, slots=True)
class Horizon:
    """The first whole days that are kept, as of one instant."""

    now: datetime
    observations: int
    rollups: int
    own: Mapping[str, Days]

    @classmethod
    def of(cls, store: Store, settings: Settings, now: datetime) -> "Horizon":
        """Read what is set.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        return cls(now, settings.retention_days, settings.rollup_retention_days, store.retention.all())

    def log(self, workspace_id: str) -> datetime:
        """Return the first day of which every observation is kept."""
        own = self.own.get(workspace_id, Days()).observations
        return self._first_day(min(own or self.observations, self.observations))

    def rolled(self, workspace_id: str) -> datetime:
        """Return the first day of which the rollups are kept."""
        own = self.own.get(workspace_id, Days()).rollups
        return self._first_day(min(own or self.rollups, self.rollups))

    def _first_day(self, days: int) -> datetime:
        return midnight((self.now - timedelta(days=days)).date()) + DAY
