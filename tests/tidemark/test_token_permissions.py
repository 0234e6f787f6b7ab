"""Tokens that a user hands over and that lack permissions: refused like such a login, or connected with a line."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from metrics.connecting.permissions import lacking
from metrics.documents import PLATFORMS, Platform
from metrics.platforms.registry import FACTS
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from simulator.world import SimAccount
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli, Ran

Connect = Callable[..., Ran]

TOLD: list[Platform] = ["instagram", "facebook", "linkedin", "youtube", "threads"]
_YOUTUBE = "https://www.googleapis.com/auth/"


def declined(path: str, place: int) -> dict[str, Any]:
    return {"kind": "patch", "path": path, "at": f"data.{place}.status", "value": "declined"}


LACKING: dict[Platform, tuple[dict[str, Any], str, str]] = {
    "instagram": (declined("me/permissions", 1), "instagram_manage_insights", "views, reach"),
    "facebook": (declined("me/permissions", 2), "read_insights", "views, reach"),
    "threads": (
        {"kind": "patch", "path": "debug_token", "at": "data.scopes", "value": ["threads_basic"]},
        "threads_manage_insights",
        "followers",
    ),
    "youtube": (
        {"kind": "patch", "path": "tokeninfo", "at": "scope", "value": f"{_YOUTUBE}youtube"},
        "yt-analytics.readonly",
        "the numbers of days",
    ),
    "linkedin": (
        {"kind": "patch", "path": "introspectToken", "at": "scope", "value": "openid,r_organization_admin"},
        "r_organization_social",
        "posts and their numbers",
    ),
}
"""A fault that takes a permission from each platform's tokens, the permission, and a part of what it is for."""


@pytest.fixture
def world(simulator: Simulator, on_stores: Store, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The simulator, which the commands reach in place of every platform."""
    assert on_stores
    for api in PLATFORM_APIS:
        monkeypatch.setenv(f"TIDEMARK_{api.upper()}_URL", simulator.url)
    return simulator


@pytest.fixture
def connect(world: Simulator, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Connect:
    def run(of: SimAccount, *options: str) -> Ran:
        lines = [of.token]
        if of.platform in ("linkedin", "youtube"):
            # LinkedIn tells the permissions of a token only to the app that got it.
            prefix = "1//" if of.platform == "youtube" else "refresh."
            lines, options = [*lines, f"{prefix}{of.token}", "app", "secret"], ("--refresh", *options)
        monkeypatch.setattr("sys.stdin", StringIO("\n".join([*lines, ""])))
        told = {"workspace": "acme", "platform": of.platform, "account": of.platform_account_id, "handle": of.handle}
        words = [word for name, value in told.items() for word in (f"--{name}", value)]
        return cli("accounts", "connect", *words, "--token", "-", *options)

    assert world
    return run


def test_each_platform_that_tells_permissions_is_tried() -> None:
    assert (
        TOLD
        == [name for name in PLATFORMS if FACTS[name].token_permissions is not None]
        == sorted(LACKING, key=PLATFORMS.index)
    )


@pytest.mark.parametrize("platform", TOLD)
def test_token_without_a_permission_is_refused_with_what_would_be_missing(
    world: Simulator, connect: Connect, on_stores: Store, platform: Platform
) -> None:
    account = world.world.account(platform, 5)
    fault, name, gives = LACKING[platform]
    world.set_faults(fault)
    ran = connect(account)
    assert ran.code == 2, ran
    (line,) = ran.err.splitlines()
    for words in ("the token lacks", name, gives, "docs/connecting.md", "--unchecked"):
        assert words in line
    assert account.token not in line
    assert "secret" not in line
    assert on_stores.accounts.find() == []
    assert connect(account, "--unchecked").code == 0


@pytest.mark.parametrize("platform", TOLD)
def test_token_with_all_permissions_is_connected_without_a_word(
    world: Simulator, connect: Connect, platform: Platform
) -> None:
    if platform == "facebook":
        world.set_faults({"kind": "patch", "path": "me/permissions", "at": "data.0.permission", "value": OPTIONAL})
    ran = connect(world.world.account(platform, 5))
    assert ran.code == 0, ran
    assert "permission" not in ran.out
    assert "connected without" not in ran.out


OPTIONAL = "pages_read_user_content"


def test_permission_that_is_not_needed_is_named(world: Simulator, connect: Connect) -> None:
    ran = connect(world.world.account("facebook", 5))
    assert ran.code == 0, ran
    assert f"is connected without {OPTIONAL} (for " in ran.out


@pytest.mark.parametrize("platform", TOLD)
def test_platform_that_does_not_tell_them_now_is_named(world: Simulator, connect: Connect, platform: Platform) -> None:
    """As for the token of a Page itself, which has no permissions that Facebook tells."""
    path = LACKING[platform][0]["path"]
    world.set_faults({"kind": "foreign_body", "path": path, "value": {"error": {"message": "no", "code": 100}}})
    ran = connect(world.world.account(platform, 5))
    assert ran.code == 0, ran
    assert f"{platform}: it was not told which permissions the tokens have" in ran.out


def test_token_of_instagram_login_is_not_asked_about(world: Simulator, settings: Settings) -> None:
    """Its host tells no permissions."""
    token = world.world.account("instagram", 5).token
    urls = {f"{api}_url": world.url for api in PLATFORM_APIS}
    there = settings.model_copy(update=urls)
    world.client.delete("/_control/calls")
    assert lacking(there, "instagram", {"access_token": token, "login": "instagram"}) == []
    assert lacking(there, "linkedin", {"access_token": token}) == []
    assert world.calls()["byKind"] == {}
