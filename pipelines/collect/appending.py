"""Observations into the log, with the marks by which their days are rolled up again."""

from collections.abc import Sequence

from metrics.documents import Observation
from metrics.periods import midnight
from metrics.store import Store
from metrics.store.roll_marks import Touched


def append(store: Store, workspace_id: str, observations: Sequence[Observation]) -> int:
    """Append observations of a workspace and mark their days; return how many.

    Raises:
        MongoUnavailable: MongoDB does not answer; what was appended before stays.
    """
    touched: set[Touched] = {(workspace_id, "daily", midnight(one.slot.date())) for one in observations}
    # Marked before and after: a crash in between leaves a mark, a roll in between leaves the second one.
    store.marks.touch(touched)
    rows = store.observations.append(observations)
    store.marks.touch(touched)
    return rows
