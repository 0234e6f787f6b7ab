"""Announce anomalies after they were stored, also those of a run that died before it could."""

from collections.abc import Callable, Sequence

from metrics.anomalies import AnomalyDocument, Change
from metrics.store import Store

Changes = Sequence[tuple[Change, AnomalyDocument]]
Announce = Callable[[str, Changes], None]
"""A function that is called with a workspace, and the anomalies that were written with what happened to them."""


def tell(store: Store, workspace_id: str, announce: Announce, *, breakouts: bool) -> None:
    """Announce what was written of a workspace and is not announced yet: breakouts of posts, or all other anomalies.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if untold := store.anomalies.untold(workspace_id, breakouts=breakouts):
        announce(workspace_id, [(one["untold"]["change"], one) for one in untold])
        store.anomalies.told(untold)
