"""How long data of watched accounts is kept: removal, erasure, retention, terms, and restored backups."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis

from metrics.documents import Document
from metrics.periods import DAY
from metrics.platforms.kept import first_kept
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.store.workspace_settings import Days
from metrics.upkeep.backup import backup, restore
from metrics.upkeep.erase import take_back
from metrics.upkeep.ledger import Ledger
from metrics.upkeep.retention import Horizon, apply
from metrics.watching.lists import unwatch
from metrics.watching.looks import note_resolved
from tests.erasing import erased
from tests.retained import keep
from tests.watched import connect, left_of_watched, store_public_day, watch_with_numbers

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALL_OF_ONE = dict.fromkeys((*PUBLIC.rollups, PUBLIC.collections, PUBLIC.posts, PUBLIC.accounts), 1) | {PUBLIC.log: 2}
"""What `watch_with_numbers` stores of an account."""


def test_removed_account_leaves_nothing_and_its_neighbour_everything(store: Store) -> None:
    gone = watch_with_numbers(store, "w", "instagram", "acme", NOW)
    kept = watch_with_numbers(store, "w", "instagram", "other", NOW)
    assert left_of_watched(store, gone) == ALL_OF_ONE
    document, counts = unwatch(store, "w", "instagram", "@Acme")
    assert (document["_id"], +counts) == (gone, ALL_OF_ONE)
    assert left_of_watched(store, gone) == {}
    assert left_of_watched(store, kept) == ALL_OF_ONE


def test_late_write_about_a_removed_account_is_taken_back(store: Store) -> None:
    gone = watch_with_numbers(store, "w", "pinterest", "acme", NOW)
    kept = watch_with_numbers(store, "w", "pinterest", "other", NOW)
    unwatch(store, "w", "pinterest", "acme")
    store_public_day(store, "w", gone, "pinterest", NOW)
    # The numbers of Pinterest that a person entered need no consent of Pinterest.
    assert take_back(store.public, [gone, kept]) == [gone]
    assert (left_of_watched(store, gone), left_of_watched(store, kept)) == ({}, ALL_OF_ONE)


def test_erased_account_takes_its_watching_with_it(store: Store, redis_client: Redis) -> None:
    connect(store, "acc_mine", "w")
    connect(store, "acc_other", "w")
    mine = watch_with_numbers(store, "w", "instagram", "mine", NOW, own="acc_mine")
    other = watch_with_numbers(store, "w", "instagram", "other", NOW, own="acc_other")
    gone = erased(store, redis_client, "account", "acc_mine")
    assert {name: gone[name] for name in ALL_OF_ONE} == ALL_OF_ONE
    assert (left_of_watched(store, mine), left_of_watched(store, other)) == ({}, ALL_OF_ONE)


def test_erased_workspace_has_no_public_document(store: Store, redis_client: Redis) -> None:
    connect(store, "acc_mine", "w")
    watch_with_numbers(store, "w", "instagram", "acme", NOW)
    kept = watch_with_numbers(store, "other", "instagram", "acme", NOW)
    erased(store, redis_client, "workspace", "w")
    of_workspace = (*PUBLIC.of_accounts, *PUBLIC.marks, PUBLIC.accounts)
    assert [n for n in of_workspace if store.db[n].count_documents({"workspaceId": "w"})] == []
    assert store.db[PUBLIC.log].count_documents({"metadata.workspaceId": "w"}) == 0
    assert left_of_watched(store, kept) == ALL_OF_ONE


def test_restored_backup_leaves_out_what_was_erased_after_it(
    store: Store, settings: Settings, redis_client: Redis, tmp_path: Path
) -> None:
    connect(store, "acc_mine", "w")
    mine = watch_with_numbers(store, "w", "instagram", "mine", NOW, own="acc_mine")
    removed = watch_with_numbers(store, "w", "bluesky", "acme.bsky.social", NOW)
    kept = watch_with_numbers(store, "w", "bluesky", "kept.bsky.social", NOW)
    backup(store, tmp_path / "saved")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for name in ("acc_mine", removed):
        ledger.note("account", name, "ann")
    store.client.drop_database(settings.mongo_db)
    withheld = restore(store, settings, tmp_path / "saved", ledger.entries()).withheld
    assert (left_of_watched(store, mine), left_of_watched(store, removed)) == ({}, {})
    assert left_of_watched(store, kept) == ALL_OF_ONE
    assert (withheld["accounts"], withheld[PUBLIC.accounts], withheld[PUBLIC.log]) == (1, 2, 4)


def test_shorter_retention_of_a_workspace_holds_for_public_numbers(store: Store, settings: Settings) -> None:
    keep(store, settings.model_copy(update={"retention_days": 400, "rollup_retention_days": 400}))
    short = watch_with_numbers(store, "short", "instagram", "acme", NOW - 100 * DAY)
    usual = watch_with_numbers(store, "usual", "instagram", "acme", NOW - 100 * DAY)
    store.retention.set("short", Days(60, 60))
    apply(store, Horizon.of(store, settings, NOW))
    assert left_of_watched(store, usual) == ALL_OF_ONE
    gone = {*PUBLIC.rollups} | ({PUBLIC.log} if store.server_version() >= (7,) else set())
    assert not gone & left_of_watched(store, short).keys()


def test_records_and_marks_are_kept_as_long_as_observations(store: Store, settings: Settings) -> None:
    watched = watch_with_numbers(store, "w", "instagram", "acme", NOW - timedelta(days=settings.retention_days + 2))
    apply(store, Horizon.of(store, settings, NOW))
    assert PUBLIC.collections not in left_of_watched(store, watched)
    assert store.db[PUBLIC.export_marks].count_documents({}) == 0


def test_no_night_leaves_more_than_the_terms_of_any_platform_allow(store: Store, settings: Settings) -> None:
    """Walk through the nights of seven weeks; a reader stores something for a fortnight, and then stops."""
    keep(store, settings.model_copy(update={"retention_days": 400, "rollup_retention_days": 400}))
    names: dict[str, str] = {"bluesky": "acme.bsky.social", "facebook": "acme1"}
    start = NOW.replace(hour=3)
    watched = {one: watch_with_numbers(store, "w", one, names.get(one, "acme_1"), start) for one in FACTS}
    for night in range(0, 49, 4):
        now = start + night * DAY
        for document in store.watch_lists.all("w") if 0 < night <= 14 else ():
            store_public_day(store, "w", document["_id"], document["platform"], now)
            note_resolved(store, document, "their-id", "renamed", now)
        apply(store, Horizon.of(store, settings, now))
        for platform, facts in FACTS.items():
            if facts.public.terms.days is not None and store.server_version() >= (7,):
                assert older(store, watched[platform], first_kept(facts.public.terms.days, now)) == []
    for document in store.watch_lists.all("w"):
        left, facts = left_of_watched(store, document["_id"]), FACTS[document["platform"]]
        if facts.public.terms.days is None:
            assert (left[PUBLIC.log], document["handle"], document["state"]) == (8, "renamed", "active")
        else:
            assert left.keys() == {PUBLIC.collections, PUBLIC.accounts}
            assert (document["handle"], document["state"]) == ("acme_1", "pending")
    assert {name for name, facts in FACTS.items() if facts.public.terms.days is not None} == {"youtube"}


def older(store: Store, watched: str, first: datetime) -> list[str]:
    """Return the collections that hold something of an account that the platform told before an instant."""
    of, before = {"accountId": watched}, {"$lt": first}
    queries: dict[str, Document] = {
        PUBLIC.log: {"metadata.accountId": watched, "timestamp": before},
        PUBLIC.posts: {**of, "seenAt": before},
        **{name: {**of, "periodStart": before} for name in PUBLIC.rollups},
        PUBLIC.accounts: {"_id": watched, "lookedAt": before, "platformAccountId": {"$exists": True}},
    }
    return [name for name, query in queries.items() if store.db[name].count_documents(query)]
