"""TikTok in collection: the limit per minute, which two workers keep together, and tokens that work once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from metrics.documents import AccountDocument
from metrics.periods import HOUR
from metrics.vault import Vault
from pipelines.collect.credentials import Credentials
from pipelines.platforms import pace
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.registry import open_platform
from simulator.tiktok import limits
from simulator.tiktok.tokens import first_refresh_token
from tests.pipelines.collect.conftest import NOW, SLOT, Bench

WINDOW_SECONDS = 10
LATE_SECONDS = 4
PLANNED, GRANTED = 110, 120
"""Calls that collection plans for in such a window, and those that the simulator answers: a few more, since calls on a
busy machine arrive unevenly."""
ACCOUNTS = 28
"""Each takes several pages of the list when it is read for the first time."""


def renewable(bench: Bench, index: int = 8, **fields: Any) -> AccountDocument:
    """Connect an account whose access token has ended, with a refresh token that works once."""
    account_id = fields.get("_id", f"tiktok{index}")
    first = first_refresh_token(bench.simulator.world.account("tiktok", index))
    credentials = {
        "access_token": "act.ended", "refresh_token": first,
        "client_id": "key", "client_secret": "secret",
    }  # fmt: skip
    sealed = Vault(bench.settings.secret_keys).seal(credentials, account_id)
    return bench.connect(index, platform="tiktok", credentials=sealed, **fields)


def with_one_grant(bench: Bench, index: int) -> str:
    """Connect an account without a second grant, so that only calls of the Display API are made for it."""
    credentials = {"access_token": bench.simulator.world.account("tiktok", index).token}
    sealed = Vault(bench.settings.secret_keys).seal(credentials, f"tiktok{index}")
    return bench.connect(index, platform="tiktok", credentials=sealed)["_id"]


def kept(bench: Bench, account_id: str) -> dict[str, Any]:
    """Return the credentials that are stored for an account."""
    return Vault(bench.settings.secret_keys).open(bench.store.accounts.get(account_id)["credentials"], account_id)


@pytest.fixture
def _short_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of ten seconds, on both sides."""
    monkeypatch.setattr(limits, "WINDOW", timedelta(seconds=WINDOW_SECONDS))
    monkeypatch.setattr(limits, "PER_MINUTE", GRANTED)
    monkeypatch.setattr(pace, "WINDOW_SECONDS", WINDOW_SECONDS + LATE_SECONDS)


@pytest.mark.usefixtures("_short_minute")
@pytest.mark.usefixtures("every_post")
def test_two_workers_never_exceed_the_limit_and_miss_no_account(bench: Bench) -> None:
    ids = [with_one_grant(bench, index) for index in range(ACCOUNTS)]
    limited = bench.having(tiktok_calls_per_minute=PLANNED)
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(
            lambda some: limited.collect(platform="tiktok", account_ids=some),
            (ids[: ACCOUNTS // 2], ids[ACCOUNTS // 2 :]),
        )
        reports = list(halves)
    assert (sum(report.ok for report in reports), [one.failures for one in reports]) == (ACCOUNTS, [[], []])
    assert bench.simulator.calls()["byKind"]["video/list"] > GRANTED


@pytest.mark.usefixtures("_short_minute")
def test_without_a_pace_the_limit_is_met(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: fewer accounts meet even a limit that is as slow as the plan, if nothing is planned."""
    monkeypatch.setattr(limits, "PER_MINUTE", 10)
    ids = [bench.connect(index, platform="tiktok")["_id"] for index in range(ACCOUNTS // 4)]
    report = bench.having(tiktok_calls_per_minute=1_000_000).collect(platform="tiktok", account_ids=ids)
    assert report.failures


def test_ended_token_is_renewed_stored_and_used(bench: Bench) -> None:
    account_id = renewable(bench)["_id"]
    report = bench.collect(platform="tiktok")
    assert (report.ok, report.failures) == (1, [])
    first = kept(bench, account_id)
    assert first["refresh_token"] != first_refresh_token(bench.simulator.world.account("tiktok", 8))
    assert bench.collect(SLOT + HOUR, NOW + HOUR, "tiktok").failures == []
    assert kept(bench, account_id) == first, "the token lives for two hours"
    assert bench.collect(SLOT + 2 * HOUR, NOW + timedelta(minutes=125), "tiktok").failures == []
    assert kept(bench, account_id)["access_token"] != first["access_token"]
    assert bench.simulator.calls()["byKind"]["oauth/token"] == 2


def test_two_workers_renew_an_account_once(bench: Bench) -> None:
    account = renewable(bench)
    bench.simulator.set_clock(NOW)
    api = open_platform("tiktok", bench.settings)
    credentials = Credentials(bench.store, Vault(bench.settings.secret_keys), bench.redis, api)
    access = credentials.open(account)
    with ThreadPoolExecutor(4) as pool:
        renewed = list(pool.map(lambda _: credentials.renew(dict(account), access, NOW, Tally()), range(4)))  # type: ignore[arg-type]
    assert {one.token for one in renewed if one is not None} == {kept(bench, account["_id"])["access_token"]}
    assert bench.simulator.calls()["byKind"]["oauth/token"] == 1


def test_same_account_in_two_workspaces_is_renewed_once(bench: Bench) -> None:
    own, twin = renewable(bench)["_id"], renewable(bench, workspace="v", _id="twin")["_id"]
    report = bench.collect(platform="tiktok")
    assert (report.ok, report.failed) == (2, 0)
    assert kept(bench, own)["refresh_token"] == kept(bench, twin)["refresh_token"]
    assert bench.simulator.calls()["byKind"]["oauth/token"] == 1


def test_dead_refresh_token_waits_for_a_person(bench: Bench) -> None:
    account = renewable(bench)
    bench.simulator.set_clock(NOW)
    api = open_platform("tiktok", bench.settings)
    access = Credentials(bench.store, Vault(bench.settings.secret_keys), bench.redis, api).open(account)
    assert api.refresh(access, Tally()) is not None, "somebody else uses the refresh token, which works once"
    assert bench.collect(platform="tiktok").failed == 1
    assert bench.state(account["_id"]) == "needs_reauth"
