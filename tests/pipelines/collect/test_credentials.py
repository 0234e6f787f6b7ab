"""Renewal of credentials: before they end, by one worker at a time, and stored before they are used."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr

from metrics.documents import AccountDocument, Platform
from metrics.platforms.registry import FACTS
from metrics.vault import Vault
from pipelines.collect.credentials import Credentials
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import NeedsReauth, PlatformError
from pipelines.platforms.registry import open_platform
from simulator.pinterest import tokens as pinterest
from simulator.tiktok import tokens as tiktok
from simulator.twitter.tokens import first_refresh_token
from simulator.world import SimAccount
from simulator.youtube import tokens as youtube
from tests.pipelines.collect.conftest import NOW, Bench


def connected(bench: Bench, **credentials: Any) -> AccountDocument:
    """Connect an account of X that renews its tokens by itself."""
    account = bench.simulator.world.account("twitter", 0)
    secret = {"refresh_token": first_refresh_token(account), "client_id": "c", "client_secret": "s"}
    sealed = Vault(bench.settings.secret_keys).seal(
        {"access_token": account.token, **secret, **credentials}, "twitter0"
    )
    return bench.connect(platform="twitter", credentials=sealed)


def stored(bench: Bench) -> dict[str, Any]:
    """The account's present credentials."""
    account = bench.store.accounts.get("twitter0")
    return Vault(bench.settings.secret_keys).open(account["credentials"], "twitter0")


def test_ended_token_is_renewed_and_the_account_collected(bench: Bench) -> None:
    connected(bench, access_token="ended")
    report = bench.collect(platform="twitter")
    assert (report.ok, report.failed) == (1, 0)
    assert bench.state("twitter0") == "active"
    assert stored(bench)["access_token"] != "ended"
    assert bench.collect(platform="twitter").ok == 1


def test_token_that_ends_soon_is_renewed_before(bench: Bench) -> None:
    connected(bench, expires_at=NOW.timestamp() + 600)
    bench.collect(platform="twitter")
    renewed = stored(bench)
    assert renewed["renew_at"] > NOW.timestamp() + 600
    bench.collect(platform="twitter")
    assert stored(bench) == renewed


def test_refused_renewal_leaves_a_token_that_still_serves(bench: Bench) -> None:
    connected(bench, expires_at=NOW.timestamp() + 600, refresh_token="nonsense")
    assert bench.collect(platform="twitter").ok == 1


FIRST_REFRESH_TOKEN: dict[Platform, Callable[[SimAccount], str]] = {
    "twitter": first_refresh_token,
    "linkedin": lambda account: f"refresh.{account.token}",
    "tiktok": tiktok.first_refresh_token,
    "youtube": youtube.first_refresh_token,
    "pinterest": pinterest.first_refresh_token,
}
"""The platforms whose app renews tokens with its secret."""


def with_refresh_token(bench: Bench, platform: Platform, index: int, token: str) -> str:
    """Connect an account whose access token has ended; return its id."""
    name = f"{platform}{index}"
    credentials = {"access_token": "ended", "refresh_token": token, "client_id": "c", "client_secret": "s"}
    sealed = Vault(bench.settings.secret_keys).seal(credentials, name)
    bench.connect(index, platform=platform, credentials=sealed)
    return name


@pytest.mark.parametrize("platform", FIRST_REFRESH_TOKEN)
def test_app_that_is_refused_marks_no_account(bench: Bench, platform: Platform) -> None:
    account = bench.simulator.world.account(platform, 0)
    well = with_refresh_token(bench, platform, 0, FIRST_REFRESH_TOKEN[platform](account))
    dead = with_refresh_token(bench, platform, 1, "a-token-that-nobody-issued")
    bench.simulator.set_faults({"kind": "app_secret"})
    report = bench.collect(platform=platform)
    assert (report.failed, bench.state(well), bench.state(dead)) == (2, "active", "active")
    assert {"client secret" in failure.message for failure in report.failures} == {True}
    bench.simulator.set_faults()
    report = bench.collect(platform=platform)
    assert (report.ok, bench.state(well), bench.state(dead)) == (1, "active", "needs_reauth")


READS: dict[Platform, str] = {
    "twitter": "/2/users", "linkedin": "/rest/", "tiktok": "/v2/user", "youtube": "youtube/v3", "pinterest": "/v5/user"
}  # fmt: skip


@pytest.mark.parametrize("platform", FIRST_REFRESH_TOKEN)
def test_new_tokens_are_stored_before_they_are_used(bench: Bench, platform: Platform) -> None:
    first = FIRST_REFRESH_TOKEN[platform](bench.simulator.world.account(platform, 0))
    name = with_refresh_token(bench, platform, 0, first)
    # The answer does not say when the token ends, and nothing can be read with it.
    path = "/token" if platform == "youtube" else "oauth"
    bench.simulator.set_faults(
        {"kind": "patch", "path": path, "at": "expires_in", "delete": True},
        *(
            {"kind": "foreign_body", "path": READS[platform], "value": [], "account": one}
            for one in [bench.simulator.world.account(platform, 0).platform_account_id]
        ),
    )
    bench.collect(platform=platform)
    sealed = bench.store.accounts.get(name)["credentials"]
    kept = Vault(bench.settings.secret_keys).open(sealed, name)
    assert kept["access_token"] != "ended"
    login = FACTS[platform].login
    assert login is not None
    assert (kept["refresh_token"] != first) == login.refresh_works_once
    bench.simulator.set_faults()
    bench.redis.flushall()
    assert bench.collect(platform=platform).ok == 1


def test_new_secret_of_the_app_is_used_for_accounts_of_the_old_one(bench: Bench) -> None:
    account = bench.simulator.world.account("twitter", 0)
    name = with_refresh_token(bench, "twitter", 0, first_refresh_token(account))
    bench.having(twitter_client_id="c", twitter_client_secret=SecretStr("new")).collect(platform="twitter")
    assert (bench.state(name), stored(bench)["client_secret"]) == ("active", "new")


def test_two_workers_use_a_rotating_token_once(bench: Bench) -> None:
    account = connected(bench)
    bench.simulator.set_clock(NOW)
    api = open_platform("twitter", bench.settings)
    credentials = Credentials(bench.store, Vault(bench.settings.secret_keys), bench.redis, api)
    access = credentials.open(account)
    with ThreadPoolExecutor(4) as pool:
        renewed = list(pool.map(lambda _: credentials.renew(account, access, NOW, Tally()), range(4)))
    tokens = {one.token for one in renewed if one is not None}
    assert tokens == {stored(bench)["access_token"]}
    # A second use of the refresh token would have ended the grant.
    again = credentials.renew(bench.store.accounts.get("twitter0"), credentials.open(
        bench.store.accounts.get("twitter0")), NOW, Tally())  # fmt: skip
    assert again is not None
    assert again.token not in tokens


def test_account_connected_again_meanwhile_keeps_its_new_credentials(bench: Bench) -> None:
    account = connected(bench)
    bench.simulator.set_clock(NOW)
    vault = Vault(bench.settings.secret_keys)
    credentials = Credentials(bench.store, vault, bench.redis, open_platform("twitter", bench.settings))
    access = credentials.open(account)
    bench.store.accounts.set_credentials("twitter0", vault.seal({"access_token": "by a person"}, "twitter0"))
    renewed = credentials.renew(account, access, NOW, Tally())
    assert renewed is not None
    assert renewed.token == "by a person"


def test_one_account_in_two_workspaces_is_renewed_once(bench: Bench) -> None:
    connected(bench, access_token="ended")
    sealed = bench.store.accounts.get("twitter0")["credentials"]
    # The other workspace has more fields for the same token.
    vault = Vault(bench.settings.secret_keys)
    known = vault.seal({**vault.open(sealed, "twitter0"), "note": "kept"}, "twin")
    bench.connect(platform="twitter", workspace="v", _id="twin", credentials=known)
    report = bench.collect(platform="twitter")
    assert (report.ok, report.failed) == (2, 0)
    assert {bench.state("twitter0"), bench.state("twin")} == {"active"}
    twin = vault.open(bench.store.accounts.get("twin")["credentials"], "twin")
    assert twin == {**stored(bench), "note": "kept"}


@pytest.mark.parametrize("denials", [1, 2])
def test_token_is_dead_when_it_is_denied_twice(bench: Bench, denials: int) -> None:
    account = bench.connect(platform="instagram")
    api = open_platform("instagram", bench.settings)
    credentials = Credentials(bench.store, Vault(bench.settings.secret_keys), bench.redis, api)
    answers = iter([NeedsReauth("Error validating access token")] * denials + ["read"])

    def work(_: Access) -> str:
        answer = next(answers)
        if isinstance(answer, NeedsReauth):
            raise answer
        return str(answer)

    def unrenewed(error: PlatformError) -> None:
        pytest.fail(str(error))

    if denials == 1:
        assert credentials.with_access(account, NOW, Tally(), work, unrenewed) == "read"
    else:
        with pytest.raises(NeedsReauth):
            credentials.with_access(account, NOW, Tally(), work, unrenewed)


@pytest.mark.parametrize("value", [None, "soon", -5, 0, 1e30])
def test_renewed_pair_is_kept_though_nobody_knows_when_it_ends(bench: Bench, value: object) -> None:
    connected(bench, access_token="ended", expires_at=1.0, renew_at=1.0)
    bench.simulator.set_faults({"kind": "patch", "path": "oauth2/token", "at": "expires_in", "value": value})
    report = bench.collect(platform="twitter")
    assert (report.ok, report.failed) == (1, 0)
    assert stored(bench)["access_token"] != "ended"
    assert stored(bench)["refresh_token"] != first_refresh_token(bench.simulator.world.account("twitter", 0))
    assert not {"expires_at", "renew_at"} & stored(bench).keys()
