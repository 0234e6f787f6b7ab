"""Append observations to the log, and mark their days to be rolled up again."""

from collections.abc import Sequence

from metrics.documents import Observation
from metrics.periods import midnight
from metrics.store import Store
from metrics.store.rollup.roll_marks import Touched


def append_and_mark(store: Store, workspace_id: str, observations: Sequence[Observation]) -> int:
    """Append observations of a workspace and mark their days; return how many.

    Raises:
        MongoUnavailable: MongoDB does not answer; what was appended before stays.
    """
    touched: set[Touched] = {(workspace_id, "daily", midnight(one.slot.date())) for one in observations}
    # Mark before and after: after a crash in between, the first mark is there; a roll-up in between takes the first
    # mark, and the second one remains.
    store.marks.touch(touched)
    rows = store.observations.append(observations)
    store.marks.touch(touched)
    return rows
