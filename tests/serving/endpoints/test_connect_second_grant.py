"""The login of a second grant adds its tokens to an account that is connected already, and to no other one."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.redis.keys import renewal_key
from metrics.settings import Settings
from metrics.store import Store
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.registry import open_platform
from simulator.tiktok.grants import business_id
from tests.serving.logins import WORKSPACE, Desk, Person, at, desk
from tests.simulator_fixture import Simulator

__all__ = ["at"]

NEEDED = "video.insights"


def open_id(at: Desk, index: int = 0) -> str:
    return at.simulator.world.account("tiktok", index).platform_account_id


def link(at: Desk, index: int = 0) -> str:
    return at.link("tiktok", secondGrant="true", platformAccountId=open_id(at, index))


@pytest.fixture
def person(at: Desk) -> Person:
    """A person whose account is connected."""
    found = at.browser()
    assert found.connect(at.link("tiktok")).status_code == 200
    return found


def unchanged(at: Desk, page: httpx.Response, status: int, *words: str) -> None:
    """Check that a page says what to do, and that the account has no second grant."""
    assert page.status_code == status, page.text
    for word in words:
        assert word in page.text, page.text
    (account,) = at.accounts()
    assert [name for name in at.credentials(account) if name.startswith("second_")] == []


def test_second_grant_is_added_and_read(at: Desk, person: Person) -> None:
    (before,) = at.accounts()
    first = at.credentials(before)
    page = person.connect(link(at))
    assert page.status_code == 200, page.text
    assert f"The second grant of the TikTok account {before['handle']}" in page.text
    (after,) = at.accounts()
    found = at.credentials(after)
    assert {name: found[name] for name in first} == first
    assert found["second_account_id"] == business_id(at.simulator.world.account("tiktok", 0)) != open_id(at)
    assert found["second_access_token"] not in page.text
    api, access = open_platform("tiktok", at.settings), Access(after["platformAccountId"], found)
    day = utcnow().date() - timedelta(days=5)
    numbers = api.read_days(access, [day], Tally()).days[day]
    assert "accountViews" in numbers.metrics
    renewed = api.refresh(access, Tally())
    assert renewed is not None
    assert renewed["second_access_token"] != found["second_access_token"]


def test_other_account_gives_no_second_grant(at: Desk, person: Person) -> None:
    other = at.simulator.world.account("tiktok", 2).handle
    unchanged(at, person.connect(link(at), account=2), 400, f"belongs to {other}", "Log out at TikTok")


def test_account_that_is_not_connected_gets_no_second_grant(at: Desk, person: Person) -> None:
    unchanged(at, person.connect(link(at, 1), account=1), 400, "is not connected", "connect it first")


def test_disconnected_account_gets_no_second_grant(at: Desk, person: Person) -> None:
    (account,) = at.accounts()
    at.store.accounts.disconnect(account["_id"], utcnow())
    assert "is not connected" in person.connect(link(at)).text
    assert "credentials" not in at.accounts()[0]


def test_denied_consent_and_missing_scope_and_used_code_add_nothing(at: Desk, person: Person) -> None:
    unchanged(at, person.client.get(person.refuse(person.consent_url(link(at)))), 400, "start again")
    unchanged(at, person.connect(link(at), without=(NEEDED,)), 400, f"did not grant {NEEDED}")
    back = person.consent(person.consent_url(at.link("tiktok")))
    assert person.client.get(back).status_code == 200
    fresh = person.consent(person.consent_url(link(at)))
    (code,), (state,) = (parse_qs(urlsplit(url).query)[n] for url, n in ((back, "code"), (fresh, "state")))
    page = person.client.get(fresh.partition("?")[0], params={"code": code, "state": state})
    unchanged(at, page, 400, "the code has been used", "start again")
    assert code not in page.text


def test_account_that_the_platform_denies_is_told_in_its_words(at: Desk, person: Person) -> None:
    """Errors of the API for Business have the status 200: analytics that are switched off, for example."""
    back = person.consent(person.consent_url(link(at)))
    at.simulator.set_faults({"kind": "permission", "path": "business/get"})
    unchanged(at, person.client.get(back), 502, "TikTok refused its own new token", "No permission to operate")


def test_renewal_that_is_under_way_is_waited_for(at: Desk, person: Person, redis_client: Redis) -> None:
    """Tokens that work once: the tokens of the renewal must not be replaced by the older ones."""
    (account,) = at.accounts()
    back = person.consent(person.consent_url(link(at)))
    lock = redis_client.lock(renewal_key("tiktok", account["platformAccountId"]), timeout=0.5)
    assert lock.acquire()
    page = person.client.get(back)
    # The lock ended by itself, and only then the tokens were stored.
    assert not lock.locked()
    assert page.status_code == 200
    assert "second_access_token" in at.credentials(at.accounts()[0])


@pytest.mark.parametrize(("platform", "words"), [("youtube", "YouTube has no second grant"), ("tiktok", "name that")])
def test_link_without_an_account_or_a_second_grant_is_refused(at: Desk, platform: str, words: str) -> None:
    answer = at.post(platform, secondGrant="true")
    assert answer.status_code in (400, 422)
    assert words in str(answer.json())


def test_missing_setting_is_named(settings: Settings, store: Store, redis_client: Redis, simulator: Simulator) -> None:
    with desk(settings, store, redis_client, simulator, tiktok_business_client_id=None) as at:
        answer = at.post("tiktok", secondGrant="true", platformAccountId=open_id(at))
        assert "TIDEMARK_TIKTOK_BUSINESS_CLIENT_ID (" in answer.json()["detail"]
        assert at.post("tiktok", workspace=WORKSPACE).status_code == 201
