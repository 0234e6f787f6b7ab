"""Checks that a token belongs to its account, at the connection and at each collection."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from metrics.documents import PLATFORMS, Platform
from metrics.redis.keys import events_key
from metrics.upkeep.erase import left_of
from metrics.vault import Vault
from pipelines.collect.credentials import Credentials
from pipelines.collect.identity import Claim, check, renew
from pipelines.platforms.data.post import Post
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth
from pipelines.platforms.instagram.api import Instagram
from pipelines.platforms.twitter.posts import Posts
from tests.erasing import erased
from tests.pipelines.collect.conftest import NOW, Bench
from tidemark.stack.ports import HOST, free_port


def claim(bench: Bench, platform: Platform, account: int, token: int) -> Claim:
    """Account `account` of the simulator with the token of account `token`."""
    world = bench.simulator.world
    credentials = {"access_token": world.account(platform, token).token}
    return Claim(platform, world.account(platform, account).platform_account_id, credentials)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_right_token_is_told_with_the_name_of_the_account(bench: Bench, platform: Platform) -> None:
    (found,) = check(bench.settings, [claim(bench, platform, 8, 8)])
    assert (found.verdict, bool(found.handle)) == ("right", True)


@pytest.mark.parametrize("platform", [name for name in PLATFORMS if name != "linkedin"])
def test_token_of_another_account_is_wrong(bench: Bench, platform: Platform) -> None:
    good, bad = check(bench.settings, [claim(bench, platform, 8, 8), claim(bench, platform, 8, 9)])
    assert (good.verdict, bad.verdict) == ("right", "wrong")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_dead_token_is_wrong(bench: Bench, platform: Platform) -> None:
    account = bench.simulator.world.account(platform, 8)
    (found,) = check(bench.settings, [Claim(platform, account.platform_account_id, {"access_token": "made up"})])
    assert found.verdict == "wrong"


@pytest.mark.parametrize(("platform", "first"), [("youtube", "1//"), ("linkedin", "refresh.")])
def test_new_refresh_token_of_a_trial_is_told(bench: Bench, platform: Platform, first: str) -> None:
    one = claim(bench, platform, 8, 8)
    given = {"refresh_token": f"{first}{one.credentials['access_token']}", "client_id": "c", "client_secret": "s"}
    one = replace(one, credentials={**one.credentials, **given})
    (found,) = check(bench.settings, [one])
    assert (found.verdict, found.credentials) == ("right", None)
    path = "/token" if platform == "youtube" else "oauth"
    bench.simulator.set_faults({"kind": "patch", "path": path, "at": "refresh_token", "value": "a new one"})
    (found,) = check(bench.settings, [one])
    assert found.credentials is not None
    assert (found.verdict, found.credentials["refresh_token"]) == ("right", "a new one")


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
    assert stored["stateReason"].startswith("the token belongs to @")
    assert not bench.rows()


def test_state_that_somebody_set_meanwhile_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    account = bench.connect(8, platform="twitter", credentials=sealed(bench, "made up"))
    change = type(bench.store.accounts).change_state

    def later(store: object, read: dict[str, str], *rest: str) -> bool:
        bench.store.accounts.set_state(read["_id"], "paused")
        return change(store, read, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(type(bench.store.accounts), "change_state", later)
    bench.collect(platform="twitter")
    assert bench.state(account["_id"]) == "paused"


def sealed(bench: Bench, token: str) -> bytes:
    return Vault(bench.settings.secret_keys).seal({"access_token": token}, "twitter8")


def renewable(bench: Bench, platform: Platform, token: str | None = None, refresh: str | None = None) -> Claim:
    """Account 8 with a refresh token of the simulator, and another access token or refresh token where one is given."""
    account = bench.simulator.world.account(platform, 8)
    prefix = "1//" if platform == "youtube" else "refresh."
    credentials = {
        "access_token": token or account.token,
        "refresh_token": refresh or f"{prefix}{account.token}",
        "client_id": "c",
        "client_secret": "s",
    }
    return Claim(platform, account.platform_account_id, credentials)


@pytest.mark.parametrize("platform", ["linkedin", "youtube"])
def test_ended_token_is_renewed_at_once(bench: Bench, platform: Platform) -> None:
    (found,) = check(bench.settings, [renewable(bench, platform, token="ended")])
    assert (found.verdict, bool(found.handle)) == ("right", True)
    assert found.credentials is not None
    assert found.credentials["access_token"] != "ended"


@pytest.mark.parametrize("platform", ["linkedin", "youtube"])
@pytest.mark.parametrize("token", ["ended", None])
def test_refused_refresh_token_is_wrong(bench: Bench, platform: Platform, token: str | None) -> None:
    (found,) = check(bench.settings, [renewable(bench, platform, token=token, refresh="made-up")])
    assert found.verdict == "wrong"
    assert "the refresh token is refused" in found.reason


def test_refresh_token_that_works_once_is_used_only_to_renew(bench: Bench) -> None:
    valid, ended = renewable(bench, "twitter"), renewable(bench, "twitter", token="ended")
    assert [one.verdict for one in check(bench.settings, [valid, ended])] == ["right", "ended"]
    (found,) = renew(bench.settings, [ended])
    assert (found.verdict, bool(found.handle)) == ("right", True)
    assert found.credentials is not None
    assert found.credentials["refresh_token"] != ended.credentials["refresh_token"]
    (again,) = renew(bench.settings, [ended])
    assert again.verdict == "wrong"


def test_reading_after_a_renewal_begins_with_the_memory_of_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = bench.connect(8, platform="twitter")
    look_up = Posts._look_up
    lost: list[list[Post]] = []

    def dead_once(of: Posts, posts: list[Post], private: bool) -> None:
        if not lost:
            lost.append(posts)
            raise NeedsReauth("ended")
        look_up(of, posts, private)

    monkeypatch.setattr(Posts, "_look_up", dead_once)
    monkeypatch.setattr(Credentials, "renew", lambda _self, _account, access, _now, _tally: access)
    assert bench.collect(platform="twitter").ok == 1
    assert lost
    visible = bench.simulator.world.posts(bench.simulator.world.account("twitter", 8), NOW - timedelta(days=90), NOW)
    stored = bench.store.posts.of_account(account["_id"], since=NOW - timedelta(days=91))
    assert len(stored) == len([post for post in visible if post.visible(NOW)])


@pytest.mark.parametrize("refused", [False, True])
def test_nothing_is_written_of_an_account_that_is_erased_while_it_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    account = bench.connect(0)
    read = Instagram.read

    def erasing(api: Instagram, *arguments: Any) -> Any:
        erased(bench.store, bench.redis, "account", account["_id"])
        if refused:
            raise AccountUnreachable("the owner took the permission back")
        return read(api, *arguments)

    monkeypatch.setattr(Instagram, "read", erasing)
    report = bench.collect()
    assert (report.ok, report.failed, report.expected) == (0, 0, 0)
    assert left_of(bench.store, "account", account["_id"]) == {}


@pytest.mark.parametrize("store_name", ["observations.append", "collections.put"])
def test_account_that_is_erased_between_two_writes_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, store_name: str
) -> None:
    account, other = bench.connect(0), bench.connect(1)
    part, _, method = store_name.partition(".")
    target = type(getattr(bench.store, part))
    write = getattr(target, method)

    def erasing(self: Any, rows: Any) -> Any:
        rows = list(rows)
        if "a0" in str(rows):
            erased(bench.store, bench.redis, "account", account["_id"])
        return write(self, rows)

    monkeypatch.setattr(target, method, erasing)
    report = bench.collect()
    assert (report.ok, report.failed, report.expected) == (1, 0, 1)
    assert left_of(bench.store, "account", account["_id"]) == {}
    assert left_of(bench.store, "account", other["_id"])["collections"] == 1
    events = bench.redis.xrange(events_key("w"))
    assert account["_id"] not in str(events)
    assert other["_id"] in str(events)
