"""Metrics that a platform refuses: found once, left out by every worker until they are tried again."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """A metric or field that the API refuses for one kind of subject; `content_type` is empty where it is for all."""

    metric: str
    metric_type: str
    content_type: str = ""
    message: str = ""

    def __str__(self) -> str:
        return f"{self.metric} of {self.content_type} {self.metric_type}".replace("  ", " ")


class Quarantine:
    """What one version of one API refuses. `new` is what was found since it was opened; shared by threads."""

    def __init__(self, known: Iterable[Refused] = ()) -> None:
        self._known = {(one.metric, one.metric_type, one.content_type): one for one in known}
        self.new: list[Refused] = []

    def holds(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether a metric is refused for a kind of subject."""
        return (metric, metric_type, content_type) in self._known

    def add(self, refused: Refused) -> None:
        """Note a refusal."""
        key = (refused.metric, refused.metric_type, refused.content_type)
        if key not in self._known:
            self._known[key] = refused
            self.new.append(refused)
