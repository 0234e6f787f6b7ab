"""Logins that can read several accounts: the person chooses by name, and nothing is stored before."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis

from metrics.connecting.choice import CHOICE_SECONDS, ChoiceUsed, connect_chosen, find_choice
from metrics.connecting.flows import find_outcome
from metrics.documents import Platform
from metrics.redis.keys import connect_choice_key
from metrics.upkeep.erase import begin
from metrics.vault import Vault
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.registry import open_platform
from tests.serving.logins import WORKSPACE, Desk, at, refused

__all__ = ["at"]

SEVERAL: tuple[Platform, ...] = ("facebook", "linkedin")
"""Platforms on which one person may manage several accounts."""


def ids(at: Desk, platform: Platform, *numbers: int) -> list[str]:
    return [at.simulator.world.account(platform, n).platform_account_id for n in numbers]


def flow_of(text: str) -> str:
    found = re.search(r'name="flow" value="([0-9a-f]{32})"', text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("platform", SEVERAL)
@pytest.mark.parametrize("chosen", [(1,), (0, 2)])
def test_person_chooses_one_or_several_by_name(at: Desk, platform: Platform, chosen: tuple[int, ...]) -> None:
    person = at.browser()
    page = person.several(at.link(platform), 0, 1, 2)
    assert (page.status_code, at.accounts()) == (200, [])
    for number in range(3):
        account = at.simulator.world.account(platform, number)
        shown = re.search(rf">\s*([^<>]+) \({account.platform_account_id}\)</label>", page.text)
        assert shown is not None, page.text
    wanted = ids(at, platform, *chosen)
    last = person.choose(page, *wanted)
    assert last.status_code == 200, last.text
    assert sorted(one["platformAccountId"] for one in at.accounts()) == sorted(wanted)
    for stored in at.accounts():
        assert stored["handle"] in last.text
        assert not stored["handle"].isdecimal()
        access = Access(stored["platformAccountId"], at.credentials(stored))
        api = open_platform(platform, at.settings)
        assert api.identify(access, Tally()).platform_account_id == stored["platformAccountId"]
        history = at.store.memories.history(stored["_id"])
        assert history is not None
    assert not person.client.cookies


@pytest.mark.parametrize("platform", SEVERAL)
def test_named_account_is_connected_without_a_choice(at: Desk, platform: Platform) -> None:
    (wanted,) = ids(at, platform, 2)
    page = at.browser().several(at.link(platform, platformAccountId=wanted), 0, 1, 2)
    assert page.status_code == 200
    assert [one["platformAccountId"] for one in at.accounts()] == [wanted]


def test_page_and_redis_have_no_token(at: Desk, redis_client: Redis) -> None:
    page = at.browser().several(at.link("facebook"), 0, 1)
    tokens = [at.simulator.world.account("facebook", n).token for n in (0, 1)]
    key = connect_choice_key(flow_of(page.text))
    kept: Any = redis_client.get(key)
    for token in [*tokens, "simulated-secret"]:
        assert token not in page.text
        assert token.encode() not in kept
    life: Any = redis_client.ttl(key)
    assert 0 < life <= CHOICE_SECONDS
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "<script" not in page.text


def test_choice_works_once(at: Desk) -> None:
    person = at.browser()
    page = person.several(at.link("facebook"), 0, 1)
    cookies = dict(person.client.cookies)
    first, second = ids(at, "facebook", 0, 1)
    assert person.choose(page, first).status_code == 200
    person.client.cookies.update(cookies)
    again = person.choose(page, second)
    assert (again.status_code, "was used already" in again.text) == (400, True)
    assert [one["platformAccountId"] for one in at.accounts()] == [first]


def test_two_submissions_at_once_connect_once_and_tell_the_command_the_first(at: Desk, redis_client: Redis) -> None:
    person = at.browser()
    page = person.several(at.link("facebook"), 0, 1)
    vault = Vault(at.settings.secret_keys)
    flow_id = flow_of(page.text)
    choice = find_choice(redis_client, vault, flow_id)
    assert choice is not None
    first, second = ids(at, "facebook", 0, 1)
    assert person.choose(page, first).status_code == 200
    # The second one found the choice before the first one used it up.
    with pytest.raises(ChoiceUsed, match="chosen already"):
        connect_chosen(at.store, redis_client, at.settings, choice, [second])
    outcome = find_outcome(redis_client, flow_id)
    assert outcome is not None
    assert (outcome.state, len(outcome.accounts)) == ("connected", 1)
    assert [one["platformAccountId"] for one in at.accounts()] == [first]


def test_form_that_is_submitted_twice_at_once_connects_once(at: Desk) -> None:
    person = at.browser()
    page = person.several(at.link("facebook"), 0, 1)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: person.choose(page, one), ids(at, "facebook", 0, 1) * 2))
    # A second submission is told that the choice is used, or, once the cookie is gone, that it is another browser's.
    assert [answer.status_code for answer in answers].count(200) == 1
    assert len(at.accounts()) == 1


def test_other_browser_cannot_choose(at: Desk) -> None:
    page = at.browser().several(at.link("facebook"), 0, 1)
    thief = at.browser()
    refused(at, thief.choose(page, *ids(at, "facebook", 0)), 403, "begun in another browser")
    # Nor can one that has begun a login of its own.
    own = thief.several(at.link("facebook"), 3, 4)
    assert own.status_code == 200
    refused(at, thief.choose(page, *ids(at, "facebook", 0)), 403, "begun in another browser")


def test_choice_that_is_too_old_stores_nothing(at: Desk, redis_client: Redis) -> None:
    person = at.browser()
    page = person.several(at.link("facebook"), 0, 1)
    redis_client.delete(connect_choice_key(flow_of(page.text)))
    refused(at, person.choose(page, *ids(at, "facebook", 0)), 400, "too old", "Start again")


@pytest.mark.parametrize("wrong", [(), (4,), (0, 4)])
def test_choice_of_nothing_or_of_another_account_is_asked_again(at: Desk, wrong: tuple[int, ...]) -> None:
    person = at.browser()
    page = person.several(at.link("facebook"), 0, 1)
    refused(at, person.choose(page, *ids(at, "facebook", *wrong)), 400, "Choose at least one of these accounts")
    assert person.choose(page, *ids(at, "facebook", 1)).status_code == 200


def test_choice_of_one_platform_is_not_one_of_another(at: Desk) -> None:
    person = at.browser()
    page = person.several(at.link("facebook"), 0, 1)
    form = {"flow": flow_of(page.text), "account": ids(at, "facebook", 0)}
    refused(at, person.client.post(f"{at.url}/connect/linkedin/choice", data=form), 400, "Start again")


@pytest.mark.parametrize("form", [b"", b"flow=x", b"flow=" + b"0" * 32, b"\xff\xfe", b"&".join([b"account=1"] * 3000)])
def test_form_of_no_login_stores_nothing(at: Desk, form: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    page = at.browser().client.post(f"{at.url}/connect/facebook/choice", content=form, headers=headers)
    refused(at, page, 400, "Start again")


def test_revoked_key_connects_nothing_that_was_chosen(at: Desk) -> None:
    person = at.browser()
    page = person.several(at.link("facebook"), 0, 1)
    at.store.keys.revoke(at.key[:14])
    refused(at, person.choose(page, *ids(at, "facebook", 0)), 403, "was revoked")


def test_workspace_that_is_being_erased_gets_none_of_the_chosen(at: Desk) -> None:
    person = at.browser()
    person.connect(at.link("youtube"))
    page = person.several(at.link("facebook"), 0, 1)
    begin(at.store, "workspace", WORKSPACE, "test")
    last = person.choose(page, *ids(at, "facebook", 0, 1))
    assert (last.status_code, "is being erased" in last.text) == (400, True)
    assert [one["platform"] for one in at.accounts()] == ["youtube"]


def test_accounts_of_all_pages_are_listed(at: Desk) -> None:
    """Facebook lists a hundred Pages in an answer; further ones follow in the next."""
    person = at.browser()
    back = person.consent(person.consent_url(at.link("facebook")), further=(1,))
    first = {
        "data": [{"id": str(n), "name": f"Page {n}", "access_token": f"t{n}"} for n in range(10, 110)],
        "paging": {"cursors": {"before": "b", "after": "a"}, "next": "https://graph.facebook.com/next"},
    }
    last = {"data": [{"id": "7", "name": "Last", "access_token": "t7"}], "paging": {"cursors": {"after": "b"}}}
    fault = {"kind": "foreign_body", "path": "me/accounts"}
    at.simulator.set_faults({**fault, "value": first, "times": 1}, {**fault, "value": last})
    page = person.client.get(back)
    assert "can read 101 accounts" in page.text
    assert "Last (7)" in page.text


def test_account_without_a_name_is_shown_by_its_number(at: Desk) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("linkedin")), further=(1,))
    at.simulator.set_faults({"kind": "error", "path": "rest/organizations"})
    page = person.client.get(back)
    (number,) = ids(at, "linkedin", 1)
    assert f"> {number}</label>" in page.text
    assert parse_qs(urlsplit(back).query)["code"][0] not in page.text


def test_several_channels_of_one_google_account_are_a_choice(at: Desk) -> None:
    channels = ids(at, "youtube", 0, 1)
    items = [{"id": one, "snippet": {"title": f"Channel {n}"}} for n, one in enumerate(channels)]
    at.simulator.set_faults({"kind": "patch", "path": "channels", "at": "items", "value": items})
    person = at.browser()
    page = person.client.get(person.consent(person.consent_url(at.link("youtube"))))
    assert (page.status_code, at.accounts()) == (200, [])
    assert f"Channel 1 ({channels[1]})" in page.text
    assert person.choose(page, channels[1]).status_code == 200
    assert [one["platformAccountId"] for one in at.accounts()] == [channels[1]]
