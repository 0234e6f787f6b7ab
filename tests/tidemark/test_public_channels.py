"""YouTube channels are connected without a token where the app has an API key."""

import pytest

from metrics.settings import Settings
from metrics.store import Store
from simulator.world import SimAccount
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli

KEY = "AIza" + "x" * 35
WORDS = ["accounts", "connect", "--workspace", "acme", "--platform", "youtube", "--handle", "a"]


@pytest.fixture
def channel(simulator: Simulator, on_stores: Store, monkeypatch: pytest.MonkeyPatch) -> SimAccount:
    """A channel of the simulator, which the commands reach."""
    assert on_stores
    for name in ("YOUTUBE_URL", "YOUTUBE_TOKEN_URL", "YOUTUBE_ANALYTICS_URL", "YOUTUBE_REPORTING_URL"):
        monkeypatch.setenv(f"TIDEMARK_{name}", simulator.url)
    return simulator.world.account("youtube", 5)


def test_channel_without_a_token_is_marked_as_public(
    channel: SimAccount, cli: Cli, on_stores: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["--account", channel.platform_account_id]
    ran = cli(*WORDS, *wanted, "--public")
    assert (ran.code, "TIDEMARK_YOUTUBE_API_KEY" in ran.err) == (2, True)
    assert on_stores.accounts.find() == []
    monkeypatch.setenv("TIDEMARK_YOUTUBE_API_KEY", KEY)
    assert cli(*WORDS, *wanted, "--public").code == 0
    (found,) = on_stores.accounts.find()
    assert found["access"] == "public"
    # With a token, it is no longer read as everybody may: its numbers are kept.
    assert cli(*WORDS, *wanted, "--token", channel.token).code == 0
    (found,) = on_stores.accounts.find()
    assert "access" not in found
    ran = cli(*WORDS, *wanted, "--public")
    assert (ran.code, "is connected with a token; without one, its numbers" in ran.err) == (2, True)


def test_public_account_has_no_token(channel: SimAccount, cli: Cli) -> None:
    ran = cli(*WORDS, "--account", channel.platform_account_id, "--public", "--token", "abc")
    assert (ran.code, "--public: " in ran.err) == (2, True)


def test_platform_that_shows_nothing_to_everybody_needs_a_token(on_stores: Store, cli: Cli) -> None:
    words = ["accounts", "connect", "--workspace", "acme", "--platform", "threads", "--handle", "a", "--account", "1"]
    ran = cli(*words, "--public")
    assert (ran.code, "access token missing" in ran.err) == (2, True)
