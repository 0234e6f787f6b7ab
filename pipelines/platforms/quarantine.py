"""The quarantine: metrics that a platform refuses for everybody, as opposed to refusals for a single post or token.

At first, a refusal concerns only the post on which it was met. A metric is quarantined for a kind of post when it was
refused for posts of two accounts, or for all posts of the kind in a run over all accounts (at least two), and no post
of the kind had it in this run. All workers then leave the metric out; once a day it is requested again for one post.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from metrics.documents import RefusedMetric

_AGREE = 2
"""Number of posts, or accounts, that have to be refused the same metric."""

Kind = tuple[str, str]
"""Metric type and content type; the second is empty if a refusal is for all content types."""

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A metric or field refused by the API for one kind of subject; `content_type` is empty if it is for all types."""

    metric: str
    metric_type: str
    content_type: str = ""
    message: str = ""

    @classmethod
    def of(cls, document: RefusedMetric) -> "Refused":
        """Return the refusal that is stored in a document."""
        return cls(document["metric"], document["metricType"], document["contentType"], document["message"])

    def document(self) -> RefusedMetric:
        """Return the document to store."""
        return {
            "metric": self.metric,
            "metricType": self.metric_type,
            "contentType": self.content_type,
            "message": self.message,
        }

    @property
    def key(self) -> _Key:
        """The key that identifies the refusal: metric, metric type and content type."""
        return self.metric, self.metric_type, self.content_type

    def __str__(self) -> str:
        return f"{self.metric} of {self.content_type} {self.metric_type}".replace("  ", " ")


@dataclass
class _Evidence:
    """The answers and refusals of a metric for one kind of subject in this run."""

    refused: Refused
    posts: set[tuple[str, str]] = field(default_factory=set)
    accepted: bool = False

    def is_sufficient(self, *, whole: bool = False) -> bool:
        """Tell whether the metric is refused for the kind; `whole`: the run read every account of the platform."""
        witnesses = len(self.posts) if whole else len({account for account, _ in self.posts})
        return not self.accepted and witnesses >= _AGREE


class Quarantine:
    """The metrics that one version of one API refuses for everybody; shared by the threads of a run.

    `claim` decides which worker requests a quarantined metric again: it is called with the refusal, and returns True
    once a day.
    """

    def __init__(self, claim: Callable[[Refused], bool] = lambda _: False) -> None:
        self._lock = threading.Lock()
        self._claim = claim
        self._known: dict[_Key, Refused] = {}
        self._tried: set[_Key] = set()
        self._evidence: dict[_Key, _Evidence] = {}
        self._lifted: dict[_Key, Refused] = {}

    def load_stored(self, refused: Iterable[Refused]) -> None:
        """Load the quarantine that earlier runs stored."""
        self._known.update({refusal.key: refusal for refusal in refused})

    def new(self, *, whole: bool) -> list[Refused]:
        """Return the metrics to add to the quarantine; `whole`: the run read every account of the platform."""
        with self._lock:
            found = [evidence for key, evidence in self._evidence.items() if key not in self._known]
            return [evidence.refused for evidence in found if evidence.is_sufficient(whole=whole)]

    @property
    def lifted(self) -> list[Refused]:
        """The metrics that were in quarantine before this run, and were answered in it."""
        with self._lock:
            return list(self._lifted.values())

    def is_refused(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether a metric is refused for a kind of subject, by earlier runs or by the evidence of this one."""
        key = (metric, metric_type, content_type)
        if key in self._known:
            return True
        evidence = self._evidence.get(key)
        if evidence is None or evidence.accepted:
            return False
        # Locked because another thread may be adding a post.
        with self._lock:
            return evidence.is_sufficient()

    def was_refused_before(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether a metric was in quarantine before this run, and has not been answered in it."""
        return (metric, metric_type, content_type) in self._known

    def refuse(self, refused: Refused, account_id: str, post_id: str = "") -> None:
        """Note that a metric was refused for a post, or for an account as a whole if `post_id` is empty."""
        with self._lock:
            evidence = self._evidence.setdefault(refused.key, _Evidence(refused))
            evidence.posts.add((account_id, post_id))

    def accept(self, metric: str, metric_type: str, content_type: str = "") -> None:
        """Note that a subject of a kind has a metric: refusals for this kind then concern single posts only."""
        key = (metric, metric_type, content_type)
        evidence = self._evidence.get(key)
        if evidence is not None and evidence.accepted and key not in self._known:
            # Nearly every call: the kind was found to have the metric before.
            return
        with self._lock:
            if key in self._known:
                self._lifted[key] = self._known.pop(key)
            if (evidence := self._evidence.get(key)) is not None:
                evidence.accepted = True
            elif key not in self._evidence:
                self._evidence[key] = _Evidence(Refused(*key), accepted=True)

    def should_retry(self, metric: str, metric_type: str, content_type: str = "") -> bool:
        """Tell whether the caller should request a quarantined metric again; True for one caller per day."""
        key = (metric, metric_type, content_type)
        with self._lock:
            refused = self._known.get(key)
            if refused is None or key in self._tried:
                return False
            self._tried.add(key)
        return self._claim(refused)
