"""What was read of an account is deleted as long after the end of its grant as the terms of its platform demand."""

from datetime import timedelta

from metrics.clock import utcnow
from metrics.periods import HOUR
from metrics.platforms.registry import KEPT_AFTER_GRANT
from metrics.store.setup.namespaces import OWN
from metrics.upkeep.ended import delete_ended
from pipelines.platforms.youtube.api import CHECKED_EVERY
from tests.pipelines.collect.conftest import NOW, SLOT, Bench


def left(bench: Bench, account_id: str) -> tuple[bool, bool]:
    """Tell whether there are observations and posts of an account."""
    db = bench.store.db
    return (
        db[OWN.log].count_documents({"metadata.accountId": account_id}) > 0,
        db["posts"].count_documents({"accountId": account_id}) > 0,
    )


def test_data_of_a_channel_whose_grant_ended_are_deleted_when_the_terms_demand_it(bench: Bench) -> None:
    assert {name: kept.days for name, kept in KEPT_AFTER_GRANT.items()} == {"youtube": 30}
    ended, well = (bench.connect(index, platform="youtube") for index in (1, 2))
    other = bench.connect(1, platform="tiktok")
    for platform in ("youtube", "tiktok"):
        bench.collect(platform=platform)
    # The common calls of YouTube need no token of the channel, so its grant is checked once a week.
    later = CHECKED_EVERY + HOUR
    for account in (ended, other):
        bench.simulator.set_faults({"kind": "expired_token", "account": account["platformAccountId"]})
        bench.collect(SLOT + later, NOW + later, platform=account["platform"])
        assert bench.state(account["_id"]) == "needs_reauth"
    since = bench.store.accounts.get(ended["_id"])["grantEndedAt"]
    assert abs(since - utcnow()) < timedelta(minutes=5)

    forgotten: list[str] = []
    for day in range(35):
        deleted = delete_ended(
            bench.store, bench.redis, since + timedelta(days=day), lambda account: forgotten.append(account["_id"])
        )
        assert deleted == ([ended["_id"]] if day == 30 else []), day
        assert left(bench, ended["_id"]) == ((True, True) if day < 30 else (False, False))
    assert forgotten == [ended["_id"]]
    assert left(bench, well["_id"]) == left(bench, other["_id"]) == (True, True)
    assert "as the terms demand" in bench.store.accounts.get(ended["_id"])["stateReason"]


def test_account_that_is_read_again_begins_a_new_time(bench: Bench) -> None:
    account = bench.connect(1, platform="youtube")
    now = utcnow()
    bench.store.accounts.change_state(account, "unreachable", "$denied")
    denied = bench.store.accounts.get(account["_id"])
    assert denied["stateReason"] == "$denied"
    bench.store.accounts.change_state(denied, "needs_reauth", "denied again")
    again = bench.store.accounts.get(account["_id"])
    assert again["grantEndedAt"] == denied["grantEndedAt"]
    bench.store.accounts.set_state(account["_id"], "active")
    assert "grantEndedAt" not in bench.store.accounts.get(account["_id"])
    assert delete_ended(bench.store, bench.redis, now + timedelta(days=400), print) == []


def test_end_that_an_older_version_did_not_note_counts_from_now_on(bench: Bench) -> None:
    bench.connect(1, platform="youtube", state="needs_reauth")
    now = utcnow()
    for days, deleted in ((0, []), (29, []), (30, ["youtube1"])):
        assert delete_ended(bench.store, bench.redis, now + timedelta(days=days), print) == deleted
