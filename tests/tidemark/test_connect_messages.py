"""What a newcomer reads when an account is connected at the command line: the same for all platforms."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from metrics.documents import PLATFORMS, Platform
from metrics.platforms.registry import FACTS
from metrics.settings import PLATFORM_APIS
from metrics.store import Store
from simulator.world import SimAccount
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli, Ran

every_platform = pytest.mark.parametrize("platform", PLATFORMS)
WITHOUT_REFRESH: list[Platform] = ["instagram", "facebook", "threads"]
NEEDS_SECRET: list[Platform] = ["linkedin", "tiktok", "youtube", "pinterest"]

Connect = Callable[..., Ran]


@pytest.fixture
def world(simulator: Simulator, on_stores: Store, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The simulator, which the commands reach in place of every platform."""
    assert on_stores
    for api in PLATFORM_APIS:
        monkeypatch.setenv(f"TIDEMARK_{api.upper()}_URL", simulator.url)
    return simulator


@pytest.fixture
def connect(world: Simulator, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Connect:
    def run(of: SimAccount, *lines: str, options: tuple[str, ...] = (), **changes: str) -> Ran:
        monkeypatch.setattr("sys.stdin", StringIO("\n".join([*(lines or (of.token,)), ""])))
        told = {"workspace": "acme", "platform": of.platform, "account": of.platform_account_id,
                "handle": of.handle, "token": "-", **changes}  # fmt: skip
        words = [word for name, value in told.items() for word in (f"--{name}", value)]
        return cli("accounts", "connect", *words, *options)

    assert world
    return run


def problem(ran: Ran, *words: str) -> None:
    """Check that nothing was connected, and that one line says why."""
    assert ran.code == 2, ran
    (line,) = ran.err.splitlines()
    for word in words:
        assert word in line, line


@every_platform
def test_refused_token_is_explained(world: Simulator, connect: Connect, on_stores: Store, platform: Platform) -> None:
    account = world.world.account(platform, 5)
    # The neighbour of Instagram is Facebook, whose tokens are also those of Instagram.
    other = world.world.account(PLATFORMS[(PLATFORMS.index(platform) + 2) % len(PLATFORMS)], 5)
    for token in ("made-up", other.token):
        ran = connect(account, token)
        problem(ran, f"{FACTS[platform].title} refuses the access token", "another platform", "get a new one")
        assert ("tidemark accounts authorize" in ran.err) == (FACTS[platform].login is not None)
        assert token not in ran.err
    assert on_stores.accounts.find() == []


@pytest.mark.parametrize("platform", ["instagram", "facebook", "linkedin"])
def test_account_that_a_token_cannot_read_is_explained(
    world: Simulator, connect: Connect, on_stores: Store, platform: Platform
) -> None:
    ran = connect(world.world.account(platform, 5), world.world.account(platform, 6).token)
    problem(ran, "the token cannot read this account", "compare its id", "docs/connecting.md")
    assert on_stores.accounts.find() == []


@every_platform
def test_missing_permission_connects_nothing(
    world: Simulator, connect: Connect, on_stores: Store, platform: Platform
) -> None:
    account = world.world.account(platform, 5)
    world.set_faults({"kind": "permission", "account": account.platform_account_id})
    problem(connect(account), "the token cannot read this account", "permissions")
    assert on_stores.accounts.find() == []


@every_platform
def test_account_that_was_connected_before_is_told(world: Simulator, connect: Connect, platform: Platform) -> None:
    account = world.world.account(platform, 5)
    first, again = (connect(account).out for _ in range(2))
    told = "it was connected before; the new credentials replace the old ones, and the history stays"
    assert (told in first, told in again) == (False, True)
    # Pinterest's is not read without a consent; a history that was read is not read again.
    assert ("earlier history is being read" in first) == (platform != "pinterest")
    assert "earlier history is being read" not in again


def test_account_that_nothing_collects_is_told(world: Simulator, connect: Connect, on_stores: Store) -> None:
    account = world.world.account("pinterest", 5)
    said = connect(account).out
    assert "`tidemark consents give acme --platform pinterest`" in said
    assert "the next hour" not in said
    on_stores.consents.set("acme", "pinterest", given=True)
    said = connect(account).out
    assert ("consents" in said, "the next hour" in said) == (False, True)


@pytest.mark.parametrize("platform", WITHOUT_REFRESH)
def test_platform_without_refresh_tokens_takes_none(
    world: Simulator, connect: Connect, on_stores: Store, platform: Platform
) -> None:
    account = world.world.account(platform, 5)
    ran = connect(account, account.token, "refresh", "app", "secret", options=("--refresh",))
    problem(ran, f"--refresh: {FACTS[platform].title} has no refresh tokens", "leave it out")
    assert on_stores.accounts.find() == []


@pytest.mark.parametrize("platform", NEEDS_SECRET)
def test_refresh_token_without_the_secret_is_refused(
    world: Simulator, connect: Connect, on_stores: Store, platform: Platform
) -> None:
    account = world.world.account(platform, 5)
    ran = connect(account, account.token, "refresh", "app", "", options=("--refresh",))
    problem(ran, "client secret missing: a refresh token works only for the app")
    assert on_stores.accounts.find() == []


@every_platform
def test_token_that_was_asked_for_and_not_given_is_missing(
    world: Simulator, connect: Connect, on_stores: Store, platform: Platform
) -> None:
    """Nobody who only presses Enter connects an account by what the platform shows everybody."""
    ran = connect(world.world.account(platform, 5), " ")
    problem(ran, "access token missing")
    assert ("--public" in ran.err) == FACTS[platform].connects_without_token
    assert on_stores.accounts.find() == []


def test_refused_session_names_no_app(world: Simulator, connect: Connect) -> None:
    ran = connect(world.world.account("bluesky", 5), "ended", "ended", options=("--refresh",))
    problem(ran, "the refresh token is refused: give a newer one")
    assert "client id" not in ran.err


@pytest.mark.parametrize(
    ("changes", "lines", "words"),
    [
        ({"account": "no id"}, (), ("--account: no id is not a whole number",)),
        ({"workspace": "A b"}, (), ("--workspace",)),
        ({}, ("t t",), ("access token has blanks",)),
        ({"handle": "h" * 201}, (), ("--handle: it has 201 characters",)),
    ],
)
def test_wrong_value_is_named_as_the_command_names_it(
    world: Simulator, connect: Connect, changes: Any, lines: tuple[str, ...], words: tuple[str, ...]
) -> None:
    problem(connect(world.world.account("pinterest", 5), *lines, **changes), *words)
