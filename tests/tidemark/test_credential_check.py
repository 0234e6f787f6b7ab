"""Credentials with refresh tokens: tried at once when accounts are connected, and stored as they come back."""

from typing import Any

import pytest

from metrics.documents import Platform
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli
from tidemark.accounts_file import ALL_COLUMNS


@pytest.fixture
def world(simulator: Simulator, on_stores: Store, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The simulator, which the commands reach."""
    assert on_stores
    for name in ("TWITTER_URL", "LINKEDIN_URL", "LINKEDIN_LOGIN_URL", "YOUTUBE_URL", "YOUTUBE_TOKEN_URL"):
        monkeypatch.setenv(f"TIDEMARK_{name}", simulator.url)
    return simulator


def row(world: Simulator, platform: Platform, number: int, token: str = "", refresh: str = "") -> dict[str, str]:
    account = world.world.account(platform, number)
    prefix = "1//" if platform == "youtube" else "refresh."
    return {
        "workspaceId": "acme",
        "platform": platform,
        "platformAccountId": account.platform_account_id,
        "handle": account.handle,
        "accessToken": token or account.token,
        "refreshToken": refresh or f"{prefix}{account.token}",
        "clientId": "c",
        "clientSecret": "s",
    }


def bring(cli: Cli, settings: Settings, *rows: dict[str, str]) -> Any:
    lines = [",".join(ALL_COLUMNS), *(",".join(one.get(name, "") for name in ALL_COLUMNS) for one in rows)]
    (settings.home / "accounts.csv").write_text("\n".join(lines))
    return cli("accounts", "import", "accounts.csv")


def credentials(store: Store, settings: Settings, number: int = 0) -> dict[str, Any]:
    account = sorted(store.accounts.find(), key=lambda one: one["platform"])[number]
    return Vault(settings.secret_keys).open(account["credentials"], account["_id"])


def test_owner_is_told(world: Simulator, cli: Cli, on_stores: Store, settings: Settings) -> None:
    ran = bring(cli, settings, row(world, "youtube", 1))
    assert ran.code == 0, ran
    number = world.world.account("youtube", 1).platform_account_id
    assert f"youtube account {number} belongs to" in ran.out
    assert len(on_stores.accounts.find()) == 1


@pytest.mark.parametrize("platform", ["twitter", "linkedin", "youtube"])
def test_ended_token_is_renewed_and_stored(
    world: Simulator, cli: Cli, on_stores: Store, settings: Settings, platform: Platform
) -> None:
    given = row(world, platform, 1, token="ended")
    ran = bring(cli, settings, given)
    assert ran.code == 0, ran
    stored = credentials(on_stores, settings)
    assert stored["access_token"] != "ended"
    assert (stored["refresh_token"] == given["refreshToken"]) == (platform != "twitter")


@pytest.mark.parametrize("platform", ["twitter", "linkedin", "youtube"])
def test_refused_refresh_token_connects_nothing(
    world: Simulator, cli: Cli, on_stores: Store, settings: Settings, platform: Platform
) -> None:
    ran = bring(cli, settings, row(world, platform, 1, token="ended", refresh="made-up"))
    assert ran.code == 2
    assert "nothing was connected" in ran.err
    assert "the refresh token is refused" in ran.err
    assert on_stores.accounts.find() == []


def test_valid_token_leaves_a_refresh_token_that_works_once(
    world: Simulator, cli: Cli, on_stores: Store, settings: Settings
) -> None:
    given = row(world, "twitter", 1)
    ran = bring(cli, settings, given)
    assert "twitter: a refresh token may work only once there" in ran.out
    assert credentials(on_stores, settings)["refresh_token"] == given["refreshToken"]


def test_wrong_row_leaves_refresh_tokens_unused(
    world: Simulator, cli: Cli, on_stores: Store, settings: Settings
) -> None:
    """A row that is wrong before anything is renewed stops the import; the corrected file works."""
    ended, wrong = row(world, "twitter", 1, token="ended"), {**row(world, "youtube", 1), "accessToken": "ended"}
    wrong |= {"refreshToken": "made-up"}
    assert bring(cli, settings, ended, wrong).code == 2
    assert on_stores.accounts.find() == []
    assert bring(cli, settings, ended).code == 0


def test_renewed_tokens_are_stored_though_another_row_is_wrong(
    world: Simulator, cli: Cli, on_stores: Store, settings: Settings
) -> None:
    ended, wrong = row(world, "twitter", 1, token="ended"), row(world, "twitter", 2, token="ended", refresh="made-up")
    ran = bring(cli, settings, ended, wrong)
    assert ran.code == 2
    (account,) = on_stores.accounts.find()
    assert f"only {account['_id']} could be connected, with renewed tokens" in ran.err
    assert account["platformAccountId"] == ended["platformAccountId"]
    assert len(ran.err.splitlines()) == 1
