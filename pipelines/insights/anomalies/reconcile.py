"""Compare what a run found with what was stored: what is new, what changed, what ended, and what no longer holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.anomalies import AnomalyDocument, Change, Grain
from pipelines.insights.anomalies.describe import OPEN_FOR

_MERGE: dict[Grain, timedelta] = {"hour": timedelta(hours=12), "day": timedelta(0)}
_COMPARED = ("from", "to", "kind", "observed", "expected", "lo", "hi", "score", "severity", "status", "known")
_KEPT = ("_id", "foundAt", "mutedBy", "acknowledgedBy", "acknowledgedAt", "muted", "note")
"""What stays of a stored anomaly when a run finds it again."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a run judged, by grain: the day of the run, up to where it has ended."""

    bounds: Mapping[Grain, tuple[datetime, datetime]]

    def touches(self, one: AnomalyDocument) -> bool:
        """Tell whether an anomaly has an hour or a day of the run."""
        day, end = self.bounds[one["grain"]]
        return one["from"] < end and one["to"] > day

    def ends_before(self, one: AnomalyDocument) -> bool:
        """Tell whether an anomaly goes on after what the run judged."""
        return one["to"] > self.bounds[one["grain"]][1]


def reconciled(
    stored: Sequence[AnomalyDocument], found: Sequence[AnomalyDocument], window: Window, now: datetime
) -> list[tuple[Change, AnomalyDocument]]:
    """Return the anomalies to write, each with what happened to it.

    Only what touches the day of the run is opened, changed or withdrawn, and it is left to a run of a later day if it
    goes on after it. One that is found again keeps its id, when it was found, and what a person set. One that is not
    found again is withdrawn: late data changed the numbers. One of an earlier day ends when its time is over.
    """
    changes: list[tuple[Change, AnomalyDocument]] = []
    left = list(found)
    for old in stored:
        if old["kind"] == "platform" or old["grain"] not in window.bounds:
            continue
        new = next((one for one in left if _is_same(old, one)), None)
        if new is not None:
            left.remove(new)
        if window.ends_before(old):
            continue
        if window.touches(old) or (new is not None and window.touches(new)):
            if new is not None:
                changes += _changed(old, new)
            elif old["status"] != "withdrawn":
                changes.append(("closed", {**old, "status": "withdrawn", "changedAt": now}))
        elif old["status"] == "open" and now - old["to"] >= OPEN_FOR[old["grain"]]:
            changes.append(("closed", {**old, "status": "ended", "changedAt": now}))
    changes += [("opened", one) for one in left if window.touches(one)]
    return changes


def _is_same(old: AnomalyDocument, new: AnomalyDocument) -> bool:
    if old["_id"] == new["_id"]:
        return True
    names = ("accountId", "platform", "metric", "grain", "direction")
    if any(old.get(name) != new.get(name) for name in names):
        return False
    if (old["kind"] == "collection") != (new["kind"] == "collection"):
        return False
    if old["evidence"].get("cause") != new["evidence"].get("cause"):
        return False
    apart = _MERGE[old["grain"]]
    return old["from"] < new["to"] + apart and new["from"] < old["to"] + apart


def _changed(old: AnomalyDocument, new: AnomalyDocument) -> list[tuple[Change, AnomalyDocument]]:
    if all(old.get(name) == new.get(name) for name in _COMPARED):
        return []
    kept = {name: value for name, value in old.items() if name in _KEPT}
    merged: AnomalyDocument = {**new, **kept}  # type: ignore[typeddict-item]
    if old["status"] != "ended" and new["status"] == "ended":
        return [("closed", merged)]
    return [("opened" if old["status"] == "withdrawn" else "updated", merged)]
