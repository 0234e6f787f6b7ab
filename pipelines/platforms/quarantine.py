"""Metrics that a platform refuses: found once, left out by every worker until they are tried again."""

from collections.abc import Iterable
from dataclasses import dataclass

from metrics.documents import RefusedMetric


@dataclass(frozen=True, slots=True)
class Refused:
    """A metric or field that the API refuses for one kind of subject; `content_type` is empty where it is for all."""

    metric: str
    metric_type: str
    content_type: str = ""
    message: str = ""

    @classmethod
    def of(cls, document: RefusedMetric) -> "Refused":
        """Return what a document says."""
        return cls(document["metric"], document["metricType"], document["contentType"], document["message"])

    def document(self) -> RefusedMetric:
        """Return it as it is stored."""
        return {
            "metric": self.metric,
            "metricType": self.metric_type,
            "contentType": self.content_type,
            "message": self.message,
        }

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is told by."""
        return self.metric, self.metric_type, self.content_type

    def __str__(self) -> str:
        return f"{self.metric} of {self.content_type} {self.metric_type}".replace("  ", " ")


class Quarantine:
    """What one version of one API refuses. `new` is what was found since it was opened; shared by threads."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str, str]] = set()
        self.new: list[Refused] = []

    def know(self, refused: Iterable[Refused]) -> None:
        """Take over what others found."""
        self._known |= {one.key for one in refused}

    def holds(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether a metric is refused for a kind of subject."""
        return (metric, metric_type, content_type) in self._known

    def add(self, refused: Refused) -> None:
        """Note a refusal."""
        if refused.key not in self._known:
            self._known.add(refused.key)
            self.new.append(refused)
