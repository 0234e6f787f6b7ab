"""Whose a token is, when an account is connected and at each collection."""

import pytest

from metrics.accounts import Vault
from metrics.documents import Platform
from pipelines.collect.identity import Claim, check
from tests.pipelines.collect.conftest import Bench
from tidemark.stack.ports import HOST, free_port


def claim(bench: Bench, platform: Platform, account: int, token: int) -> Claim:
    """Account `account` of the simulator with the token of account `token`."""
    world = bench.simulator.world
    credentials = {"access_token": world.account(platform, token).token}
    return Claim(platform, world.account(platform, account).platform_account_id, credentials)


@pytest.mark.parametrize("platform", ["instagram", "facebook", "twitter", "linkedin"])
def test_right_token_is_told_with_the_name_of_the_account(bench: Bench, platform: Platform) -> None:
    (found,) = check(bench.settings, [claim(bench, platform, 8, 8)])
    assert (found.verdict, bool(found.handle)) == ("right", True)


@pytest.mark.parametrize("platform", ["instagram", "facebook", "twitter"])
def test_token_of_another_account_is_wrong(bench: Bench, platform: Platform) -> None:
    good, bad = check(bench.settings, [claim(bench, platform, 8, 8), claim(bench, platform, 8, 9)])
    assert (good.verdict, bad.verdict) == ("right", "wrong")


@pytest.mark.parametrize("platform", ["instagram", "facebook", "twitter", "linkedin"])
def test_dead_token_is_wrong(bench: Bench, platform: Platform) -> None:
    account = bench.simulator.world.account(platform, 8)
    (found,) = check(bench.settings, [Claim(platform, account.platform_account_id, {"access_token": "made up"})])
    assert found.verdict == "wrong"


def test_platform_that_is_away_is_asked_once(bench: Bench) -> None:
    settings = bench.settings.model_copy(update={"twitter_url": f"http://{HOST}:{free_port()}"})
    found = check(settings, [claim(bench, "twitter", n, n) for n in range(40)])
    assert {one.verdict for one in found} == {"unknown"}
    assert "refuses connections" in found[-1].reason


def test_token_of_another_user_writes_nothing(bench: Bench) -> None:
    other = bench.simulator.world.account("twitter", 9)
    account = bench.connect(8, platform="twitter", credentials=sealed(bench, other.token))
    report = bench.collect(platform="twitter")
    assert (report.ok, report.failed) == (0, 1)
    stored = bench.store.accounts.get(account["_id"])
    assert stored["state"] == "needs_reauth"
    assert stored["stateReason"].startswith("the token is of @")
    assert not bench.rows()


def test_state_that_somebody_set_meanwhile_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    account = bench.connect(8, platform="twitter", credentials=sealed(bench, "made up"))
    change = type(bench.store.accounts).change_state

    def later(store: object, account_id: str, *rest: str) -> bool:
        bench.store.accounts.set_state(account_id, "paused")
        return change(store, account_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(type(bench.store.accounts), "change_state", later)
    bench.collect(platform="twitter")
    assert bench.state(account["_id"]) == "paused"


def sealed(bench: Bench, token: str) -> bytes:
    return Vault(bench.settings.secret_keys).seal({"access_token": token})
