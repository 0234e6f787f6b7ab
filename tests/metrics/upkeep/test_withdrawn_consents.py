"""A consent that was withdrawn after a backup is not restored, nor is what was stored with it."""

import json
from pathlib import Path

import pytest

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import OWN
from tests.serving.documents import seeded
from tests.tidemark.commands import Cli
from tests.tidemark.conftest import cli, on_stores

__all__ = ["cli", "on_stores", "seeded"]


@pytest.fixture
def consenting(seeded: Store) -> Store:
    """Two workspaces with a Pinterest account each, their consents, and something that was stored of both accounts."""
    like = seeded.accounts.get("a1")
    observation = seeded.db[OWN.log].find_one({"metadata.accountId": "a1"}, {"_id": 0})
    post = seeded.db["posts"].find_one({"accountId": "a1"})
    assert observation is not None
    assert post is not None
    for workspace, account in (("w1", "p1"), ("w2", "p2")):
        owned = {"accountId": account, "workspaceId": workspace, "platform": "pinterest"}
        document = {**like, "_id": account, "workspaceId": workspace, "platform": "pinterest"}
        seeded.db["accounts"].insert_one({**document, "platformAccountId": f"10993000000000000{account[1]}"})
        seeded.db["posts"].insert_one({**post, **owned, "_id": f"{account}-post", "platformPostId": account})
        seeded.db[OWN.log].insert_one({**observation, "metadata": {**observation["metadata"], **owned}})
        seeded.db["reading_memory"].insert_one({"_id": account, **owned, "reading": {"x": 1}})
        seeded.consents.set(workspace, "pinterest", given=True)
    seeded.consents.set("w1", "youtube", given=True)
    return seeded


def stored(store: Store, account: str) -> tuple[int, int, bool]:
    """Return how many posts and observations there are of an account, and whether a reading noted something."""
    memory = store.db["reading_memory"].find_one({"_id": account}) or {}
    posts = store.db["posts"].count_documents({"accountId": account})
    return posts, store.db[OWN.log].count_documents({"metadata.accountId": account}), "reading" in memory


def test_withdrawal_survives_a_restore(
    consenting: Store, settings: Settings, tmp_path: Path, on_stores: Store, cli: Cli
) -> None:
    folder = tmp_path / "saved"
    assert cli("backup", str(folder)).code == 0
    assert cli("consents", "withdraw", "w1", "--platform", "pinterest", "--yes").code == 0
    assert cli("consents", "withdraw", "w1", "--platform", "youtube").code == 0
    assert stored(consenting, "p1") == (0, 0, False)
    consenting.client.drop_database(settings.mongo_db)
    ran = cli("restore", str(folder), "--json")
    assert ran.code == 0, ran.err
    assert consenting.consents.all() == {"w2": {"pinterest"}}
    assert (stored(consenting, "p1"), stored(consenting, "p2")) == ((0, 0, False), (1, 1, True))
    # The account stays connected, as it did when the consent was withdrawn.
    assert consenting.accounts.exists("p1")
    told = json.loads(ran.out)
    assert (told["withdrawn"], told["withheld"]) == (2, {"posts": 1, OWN.log: 1})
    assert consenting.erasures.unfinished() == []


def test_consent_that_was_given_again_before_the_backup_is_restored(
    consenting: Store, settings: Settings, tmp_path: Path, on_stores: Store, cli: Cli
) -> None:
    assert cli("consents", "withdraw", "w1", "--platform", "pinterest", "--yes").code == 0
    assert cli("consents", "give", "w1", "--platform", "pinterest").code == 0
    assert cli("backup", str(tmp_path / "saved")).code == 0
    consenting.client.drop_database(settings.mongo_db)
    assert "0 consents stay withdrawn" in cli("restore", str(tmp_path / "saved")).out
    assert consenting.consents.all() == {"w1": {"pinterest", "youtube"}, "w2": {"pinterest"}}


def test_withdrawal_that_cannot_be_noted_changes_nothing(
    consenting: Store, settings: Settings, on_stores: Store, cli: Cli
) -> None:
    (settings.home.resolve() / "ledger.jsonl").mkdir(parents=True)
    ran = cli("consents", "withdraw", "w1", "--platform", "pinterest", "--yes")
    assert (ran.code, "would bring the consent back" in ran.err) == (1, True)
    assert stored(consenting, "p1") == (1, 1, True)
    assert not consenting.consents.not_stored("w1")
