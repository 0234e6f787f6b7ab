"""What the readers of public numbers have in common: each platform's reads the simulator, and keeps failures apart."""

from dataclasses import replace

import pytest

from metrics.documents import PLATFORMS, Platform
from metrics.platforms.registry import FACTS
from pipelines.platforms.errors import RateLimited
from pipelines.platforms.http import retries
from pipelines.platforms.public.base import PublicSnapshot, Refusal, Resolved, Skipped
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from tests.pipelines.platforms.public.watching import OTHERS, Watching
from tests.simulator_fixture import Simulator

FIRST, SECOND, THIRD = OTHERS
BY_ID = [platform for platform in PUBLIC_PLATFORMS if platform not in ("instagram", "threads")]


@pytest.fixture
def watching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Watching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Watching(simulator, platform)


every = pytest.mark.parametrize("platform", PUBLIC_PLATFORMS)


def is_sentence(text: str) -> bool:
    return text[0].isupper() and text.endswith(".") and "\n" not in text


@every
def test_numbers_of_the_public_route_are_the_truth(watching: Watching) -> None:
    found = watching.snapshot(FIRST)
    assert watching.check(FIRST, found) > 0
    if FACTS[watching.platform].public_numbers.posts:  # type: ignore[union-attr]
        listed = {post.platform_post_id for post, _ in found.posts}
        here = {post.platform_post_id for post in watching.here(FIRST)}
        assert listed <= here
        assert listed == here or watching.platform == "facebook"
        assert len(listed) > 3
    else:
        assert not found.posts
    assert not found.reading.failures
    assert not found.reading.odd
    assert all(post.content is None for post, _ in found.posts), "the content of posts of others is not kept"


@every
def test_own_account_has_the_same_numbers_as_all_others(watching: Watching) -> None:
    """An own account is compared by its public numbers: the route answers about it as about any other."""
    watching.check(3, watching.snapshot(3))


@every
def test_handle_is_resolved_beside_one_that_nobody_has(watching: Watching) -> None:
    account = watching.account(FIRST)
    own = watching.resolve(watching.id_key(FIRST))[watching.id_key(FIRST)]
    assert isinstance(own, Resolved)
    key = f"@{own.handle}"
    found = watching.resolve("@nobody", key)
    assert found[key] == own
    assert own.platform_account_id in (account.platform_account_id, key)
    refused = found["@nobody"]
    assert isinstance(refused, Refusal)
    assert refused.state == "not_found"
    assert is_sentence(refused.reason)


@every
def test_account_that_is_gone_leaves_its_neighbours(watching: Watching) -> None:
    watching.simulator.set_faults({"kind": "deleted", "account": watching.account(SECOND).platform_account_id})
    found = watching.read(FIRST, SECOND, THIRD)
    refused = found[SECOND]
    assert isinstance(refused, Refusal)
    assert refused.state == "not_found"
    assert is_sentence(refused.reason)
    for index in (FIRST, THIRD):
        shown = found[index]
        assert isinstance(shown, PublicSnapshot)
        watching.check(index, shown)


@pytest.mark.parametrize("platform", BY_ID)
def test_renaming_is_followed_by_the_stable_id(watching: Watching) -> None:
    before = watching.snapshot(FIRST)
    renamed = {"kind": "rename", "account": watching.account(FIRST).platform_account_id, "value": "new.name"}
    watching.simulator.set_faults(renamed)
    after = watching.snapshot(FIRST)
    assert after.platform_account_id == before.platform_account_id
    assert after.handle != before.handle
    assert "new" in after.handle
    watching.check(FIRST, after)


@every
def test_limit_is_met_once_and_passes_over_the_other_accounts(watching: Watching) -> None:
    watching.simulator.set_faults({"kind": "app_limit"})
    found = watching.read(FIRST, SECOND)
    assert all(isinstance(one, Skipped) for one in found.values()), found
    assert all(isinstance(one.error, RateLimited) for one in found.values() if isinstance(one, Skipped))
    assert all(one.until is not None for one in found.values() if isinstance(one, Skipped))
    assert watching.tally.requests <= 2, "no further calls are sent"


@every
@pytest.mark.parametrize("body", [[], {}, {"data": 7}, "text"])
def test_answer_of_another_shape_skips_the_account(watching: Watching, body: object) -> None:
    watching.simulator.set_faults({"kind": "foreign_body", "value": body})
    found = watching.read(FIRST)[FIRST]
    assert isinstance(found, Skipped), found
    assert found.until is None
    key = watching.id_key(FIRST)
    resolved = watching.resolve(key)[key]
    assert isinstance(resolved, Skipped), resolved


@every
@pytest.mark.parametrize("kind", ["error", "html", "broken_json", "empty_body", "proxy_error", "cut"])
def test_failing_platform_skips_the_account_and_raises_nothing(watching: Watching, kind: str) -> None:
    watching.simulator.set_faults({"kind": kind})
    found = watching.read(FIRST)[FIRST]
    assert isinstance(found, Skipped), found
    assert not isinstance(found.error, RateLimited)
    key = watching.id_key(FIRST)
    assert isinstance(watching.resolve(key)[key], Skipped)


@pytest.mark.parametrize("platform", [one for one in PUBLIC_PLATFORMS if one not in BY_ID])
def test_account_that_was_renamed_is_not_found_where_the_name_is_all_that_is_known(watching: Watching) -> None:
    renamed = {"kind": "rename", "account": watching.account(FIRST).platform_account_id, "value": "new.name"}
    watching.simulator.set_faults(renamed)
    found = watching.read(FIRST, SECOND)
    refused = found[FIRST]
    assert isinstance(refused, Refusal)
    assert "renamed" in refused.reason
    assert isinstance(found[SECOND], PublicSnapshot)


@every
def test_stored_name_that_the_platform_cannot_have_is_refused_alone(watching: Watching) -> None:
    odd = replace(watching.watched(SECOND), platform_account_id="no(such)/id", handle="no(such)/name")
    accounts = [watching.watched(FIRST), odd]
    found = watching.reader.read(accounts, watching.lender, watching.tally)
    refused = found[odd.key]
    assert isinstance(refused, Refusal | Skipped), refused
    shown = found[accounts[0].key]
    assert isinstance(shown, PublicSnapshot)
    watching.check(FIRST, shown)


@every
def test_nothing_is_asked_for_nobody(watching: Watching) -> None:
    assert watching.read() == {}
    assert watching.resolve() == {}
    assert watching.tally.requests == 0


def test_platforms_without_a_lawful_route_have_no_reader() -> None:
    without = {platform for platform in PLATFORMS if FACTS[platform].public_numbers is None}
    assert without == {"tiktok", "pinterest"}
    assert tuple(platform for platform in PLATFORMS if platform not in without) == PUBLIC_PLATFORMS
