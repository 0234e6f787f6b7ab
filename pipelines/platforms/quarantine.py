"""Metrics that a platform refuses for everybody, told apart from what a single post or a single token is refused.

A refusal concerns the post that it was met on. A metric is quarantined for a kind of post when posts of two accounts
refused it, or when all posts of the kind that a whole hour asked did (two at the least), and no post of the kind
answered it in this run. Every worker leaves such a metric out; once a day one post is asked for it again.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from metrics.documents import RefusedMetric

_AGREE = 2
"""Posts, or accounts, that have to say the same."""

Kind = tuple[str, str]
"""Metric type and content type; the second is empty where a refusal is of all content types."""

_Key = tuple[str, str, str]


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
    def key(self) -> _Key:
        """What it is told by."""
        return self.metric, self.metric_type, self.content_type

    def __str__(self) -> str:
        return f"{self.metric} of {self.content_type} {self.metric_type}".replace("  ", " ")


@dataclass
class _Evidence:
    """What was seen of a metric and a kind in this run."""

    refused: Refused
    posts: set[tuple[str, str]] = field(default_factory=set)
    accepted: bool = False

    def convicts(self, *, whole: bool = False) -> bool:
        """Tell whether the refusal is of the kind; with `whole` every account of the platform was asked in this run."""
        witnesses = len(self.posts) if whole else len({account for account, _ in self.posts})
        return not self.accepted and witnesses >= _AGREE


class Quarantine:
    """What one version of one API refuses for everybody; shared by the threads of a run.

    `claim` decides which worker asks a post again for a metric that is in quarantine: it is called with the refusal and
    returns True once a day.
    """

    def __init__(self, claim: Callable[[Refused], bool] = lambda _: False) -> None:
        self._lock = threading.Lock()
        self._claim = claim
        self._known: dict[_Key, Refused] = {}
        self._tried: set[_Key] = set()
        self._evidence: dict[_Key, _Evidence] = {}
        self._lifted: dict[_Key, Refused] = {}

    def know(self, refused: Iterable[Refused]) -> None:
        """Take over what was found before."""
        self._known.update({one.key: one for one in refused})

    def new(self, *, whole: bool) -> list[Refused]:
        """Return the refusals of kinds that this run found; `whole` where it asked every account of the platform."""
        with self._lock:
            found = [one for key, one in self._evidence.items() if key not in self._known]
            return [one.refused for one in found if one.convicts(whole=whole)]

    @property
    def lifted(self) -> list[Refused]:
        """What was in quarantine and was answered all the same."""
        with self._lock:
            return list(self._lifted.values())

    def holds(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether a metric is refused for a kind of subject."""
        key = (metric, metric_type, content_type)
        if key in self._known:
            return True
        if key not in self._evidence:
            return False
        # Another thread may be adding a post at this very moment.
        with self._lock:
            return self._evidence[key].convicts()

    def keeps(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether a metric was in quarantine before this run, and was not answered in it."""
        return (metric, metric_type, content_type) in self._known

    def refuse(self, refused: Refused, account_id: str, post_id: str = "") -> None:
        """Note that a post, or all that an account asked for, was refused a metric."""
        with self._lock:
            evidence = self._evidence.setdefault(refused.key, _Evidence(refused))
            evidence.posts.add((account_id, post_id))

    def accept(self, metric: str, metric_type: str, content_type: str = "") -> None:
        """Note that a subject of a kind has a metric: then its refusals are of single posts."""
        key = (metric, metric_type, content_type)
        with self._lock:
            if key in self._known:
                self._lifted[key] = self._known.pop(key)
            if (evidence := self._evidence.get(key)) is not None:
                evidence.accepted = True
            elif key not in self._evidence:
                self._evidence[key] = _Evidence(Refused(*key), accepted=True)

    def to_try(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether the caller should ask for a metric in quarantine again: one caller a day does."""
        key = (metric, metric_type, content_type)
        with self._lock:
            refused = self._known.get(key)
            if refused is None or key in self._tried:
                return False
            self._tried.add(key)
        return self._claim(refused)
