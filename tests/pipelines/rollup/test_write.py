"""Writing replaces whole documents, but never those of a roll-up that has read more of the log."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from metrics.settings import Settings
from metrics.store import Store
from pipelines.rollup import roll
from pipelines.rollup.write import STAMPS
from tests.pipelines.rollup.test_roll import DAY, NOW, account, at, entry, seen


def test_rollup_without_observations_disappears(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=1)])
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    store.rollups.subjects.update_many({}, {"$set": {"periodStart": DAY + timedelta(days=1)}})
    report = roll(store, "daily", [DAY + timedelta(days=1)], run_id="r", now=NOW)
    assert (report.removed, store.rollups.subjects.count_documents({})) == (1, 0)


def test_roll_that_read_less_of_the_log_changes_and_removes_nothing(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=1)])
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    ahead = {"$set": {"basis": 2**62, "metrics.followers.close": 7, "runId": "ahead"}}
    store.rollups.subjects.update_many({}, ahead)
    report = roll(store, "daily", [DAY], run_id="behind", now=NOW)
    assert report.removed == 0
    assert (entry(store, "a", "followers") or {})["close"] == 7


def test_two_rolls_at_once_give_the_same_documents(store: Store, settings: Settings) -> None:
    account(store, settings)
    days = [DAY + timedelta(days=n) for n in range(4)]
    store.observations.append([seen(at(hour), followers=100 + hour) for hour in range(0, 96, 5)])
    roll(store, "daily", days, run_id="r", now=NOW)
    before = list(store.rollups.subjects.find({}, dict.fromkeys(STAMPS, 0)).sort("_id", 1))
    orders = [days, days[::-1], days[1:] + days[:1]]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda some: [roll(store, "daily", [d], run_id="r", now=NOW) for d in some], orders))
    assert list(store.rollups.subjects.find({}, dict.fromkeys(STAMPS, 0)).sort("_id", 1)) == before


def test_workspaces_of_several_batches_are_all_rolled(store: Store, settings: Settings) -> None:
    account(store, settings)
    (own,) = store.accounts.find()
    observation = seen(at(1), followers=1)
    for number in range(25):
        store.accounts.put([{**own, "_id": f"a{number}", "workspaceId": f"w{number}"}])
        document = observation.document()
        document["metadata"] |= {"workspaceId": f"w{number}", "accountId": f"a{number}"}
        store.db["metrics"].insert_one(document)
    announced: list[str] = []
    report = roll(store, "daily", [DAY], run_id="r", now=NOW, announce=lambda w, _: announced.append(w))
    assert (report.accounts, report.workspaces) == (25, 26)
    assert sorted(announced) == sorted(f"w{n}" for n in range(25))
