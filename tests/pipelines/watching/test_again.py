"""A run that was killed and run again, and two runs at once, leave the data of one run."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from metrics.collection.appending import append_and_mark
from metrics.documents import Document, Platform
from metrics.store.setup.namespaces import PUBLIC
from pipelines.watching import keep
from tests.pipelines.watching.days import FIRST, NOW, SECOND, THIRD, Days
from tests.pipelines.watching.test_read import check_truth


class Killed(BaseException):
    """The process ended."""


def subjects(days: Days, watched: list[str]) -> list[tuple[str, str, Any]]:
    """The subjects of a log with their slots, each once: of several observations, the newest counts."""
    rows: list[Document] = [row for one in watched for row in days.rows(one)]
    return sorted({(r["metadata"]["accountId"], r["metadata"].get("postId", ""), r["timestamp"]) for r in rows})


@pytest.mark.parametrize("platform", ["youtube", "instagram", "twitter"])
@pytest.mark.parametrize("at", ["append_and_mark", "store_posts", "note_resolved", "take_back"])
def test_killed_run_is_completed_by_the_next_one(
    days: Days, monkeypatch: pytest.MonkeyPatch, platform: Platform, at: str
) -> None:
    days.connect(platform)
    watched = [days.watch(platform, index) for index in (FIRST, SECOND, THIRD)]
    real, calls = getattr(keep, at), iter(range(100))

    def die(*arguments: Any, **named: Any) -> Any:
        if next(calls) == 1:
            raise Killed
        return real(*arguments, **named)

    monkeypatch.setattr(keep, at, die)
    with pytest.raises(Killed):
        days.read(platform)
    monkeypatch.setattr(keep, at, real)
    days.read(platform)
    killed = subjects(days, watched)
    posts = sorted(post["_id"] for post in days.store.db[PUBLIC.posts].find({}))
    for index, one in zip((FIRST, SECOND, THIRD), watched, strict=True):
        assert check_truth(days, platform, index, one)
        assert [record["state"] for record in days.records(one)] == ["collected"]
    for name in (PUBLIC.log, PUBLIC.posts, PUBLIC.collections, "reading_memory"):
        days.store.db[name].delete_many({})
    days.store.db[PUBLIC.accounts].update_many({}, {"$unset": {"lookedAt": "", "platformAccountId": ""}})
    days.read(platform)
    assert subjects(days, watched) == killed
    assert sorted(post["_id"] for post in days.store.db[PUBLIC.posts].find({})) == posts


@pytest.mark.parametrize("platform", ["youtube", "instagram", "bluesky"])
def test_two_runs_at_once_leave_the_data_of_one(days: Days, platform: Platform) -> None:
    days.connect(platform)
    watched = [days.watch(platform, index) for index in (FIRST, SECOND)]
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: days.read(platform), range(2)))
    assert all(report.failed == report.skipped == 0 for report in reports)
    for index, one in zip((FIRST, SECOND), watched, strict=True):
        assert check_truth(days, platform, index, one)
        assert (days.watched(one)["state"], len(days.records(one))) == ("active", 1)
    assert len({row["timestamp"] for one in watched for row in days.rows(one)}) == 1


def test_memory_of_a_run_is_kept_after_its_numbers(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = days.watch("twitter", FIRST)

    def append(*arguments: Any) -> None:
        assert days.store.memories.of(mine) == {}
        append_and_mark(*arguments)

    monkeypatch.setattr(keep, "append_and_mark", append)
    assert days.read("twitter", NOW).read == 1
    assert days.store.memories.of(mine)
