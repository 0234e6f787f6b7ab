"""A workspace with very many posts, none of which was observed in the hour before the day."""

from datetime import timedelta
from importlib import import_module

import pytest
from bson import encode

from metrics.settings import Settings
from metrics.store import Store
from pipelines.rollup import roll
from pipelines.rollup.opening import Opening
from tests.pipelines.rollup.test_roll import DAY, NOW, account, at, entry, seen

POSTS = 200_000


def test_day_is_rolled_whose_openings_are_more_than_a_command_holds(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=5)])
    values = {f"{'metric' * 8}{number}": number for number in range(40)}
    many = [Opening(f"{'p' * 100}{number}", "w", "a", True, set(values), values) for number in range(8000)]
    own = Opening("a", "w", "a", False, {"followers"}, {"followers": 2})
    monkeypatch.setattr(import_module("pipelines.rollup.roll"), "openings", lambda *_: [own, *many])
    assert len(encode({"openings": [one.found for one in many]})) > 16 * 1024 * 1024
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert (entry(store, "a", "followers") or {})["net"] == 3


@pytest.mark.long
@pytest.mark.timeout(600)
def test_day_of_very_many_openings_is_rolled(store: Store, settings: Settings) -> None:
    account(store, settings)
    document = seen(at(1), "p", likes=9).document()
    rows = (
        {**document, "metadata": {**document["metadata"], "postId": f"{'p' * 24}{number}"}} for number in range(POSTS)
    )
    store.db["metrics"].insert_many(rows, ordered=False)
    store.observations.append([seen(DAY - timedelta(days=3), f"{'p' * 24}7", likes=4)])
    report = roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert report.subjects == POSTS
    assert (entry(store, f"{'p' * 24}7", "likes") or {})["net"] == 5
    assert store.db["roll_openings"].estimated_document_count() == 0


def test_openings_of_a_roll_that_failed_are_gone(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(store, settings)
    store.observations.append([seen(at(-5), followers=4), seen(at(1), followers=5)])

    def breaks(*_: object) -> None:
        assert store.db["roll_openings"].count_documents({"workspaceId": "w", "accountId": "a"}) == 1
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(import_module("pipelines.rollup.roll"), "write", breaks)
        with pytest.raises(RuntimeError, match="broken"):
            roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert store.db["roll_openings"].count_documents({}) == 0
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert (entry(store, "a", "followers") or {})["net"] == 1
