"""Quarantine: refused metrics are stored for the next run."""

from metrics.documents import RefusedMetric
from metrics.store import Store

REFUSED: RefusedMetric = {"metric": "saves", "metricType": "post", "contentType": "image", "message": "retired"}


def test_refusals_are_those_of_a_version(store: Store) -> None:
    store.quarantine.add("instagram", "v25.0", [REFUSED])
    assert store.quarantine.of("instagram", "v25.0") == [REFUSED]
    assert store.quarantine.of("instagram", "v26.0") == []


def test_known_refusal_keeps_its_date(store: Store) -> None:
    store.quarantine.add("instagram", "v25.0", [REFUSED])
    first = store.db["quarantine"].find_one()
    store.quarantine.add("instagram", "v25.0", [REFUSED])
    assert list(store.db["quarantine"].find()) == [first]
