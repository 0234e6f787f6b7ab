"""Connecting accounts through logins: each platform's flow, and platforms and settings that are in its way."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.registry import open_platform
from simulator.tiktok.grants import further_credentials
from tests.serving.conformance import check
from tests.serving.logins import NEEDED, PLATFORMS, WORKSPACE, Desk, at, desk, refused
from tests.simulator_fixture import Simulator
from tidemark.stack.ports import HOST, free_port

__all__ = ["at"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_login_connects_the_account_of_the_person(at: Desk, platform: Platform) -> None:
    person = at.browser()
    page = person.connect(at.link(platform), account=2)
    assert page.status_code == 200, page.text
    (account,) = at.accounts()
    owner = at.simulator.world.account(platform, 2)
    assert (account["workspaceId"], account["platform"]) == (WORKSPACE, platform)
    assert account["platformAccountId"] == owner.platform_account_id
    assert account["state"] == "active"
    assert account["handle"] in page.text
    credentials = at.credentials(account)
    assert credentials["access_token"] not in page.text
    assert not person.client.cookies
    # The pipeline reads with these credentials, and renews them where the platform has a renewal.
    api, access = open_platform(platform, at.settings), Access(account["platformAccountId"], credentials)
    assert api.identify(access, Tally()).platform_account_id == account["platformAccountId"]
    renewed = api.refresh(access, Tally())
    assert (renewed is None) == (platform == "facebook")
    assert ("expires_at" in credentials) == (platform != "facebook")


def test_several_roles_in_one_organization_are_one_account(at: Desk) -> None:
    number = at.simulator.world.account("linkedin", 2).platform_account_id.rpartition(":")[2]
    roles = [
        {"organization": f"urn:li:organization:{number}", "role": role, "state": "APPROVED"}
        for role in ("ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "ADMINISTRATOR")
    ]
    at.simulator.set_faults({"kind": "patch", "path": "organizationAcls", "at": "elements", "value": roles})
    page = at.browser().connect(at.link("linkedin"), account=2)
    assert page.status_code == 200, page.text
    (account,) = at.accounts()
    assert account["platformAccountId"].rpartition(":")[2] == number


@pytest.mark.parametrize("platform", PLATFORMS)
def test_refused_consent_stores_nothing(at: Desk, platform: str) -> None:
    person = at.browser()
    back = person.refuse(person.consent_url(at.link(platform)))
    refused(at, person.client.get(back), 400, "You did not give Tidemark the permissions", "start again")
    refused(at, person.client.get(back), 400, "was used already")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_missing_scope_stores_nothing(at: Desk, platform: str) -> None:
    page = at.browser().connect(at.link(platform), without=(NEEDED[platform],))
    refused(at, page, 400, NEEDED[platform], "did not grant", "Start again")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_used_code_stores_nothing(at: Desk, platform: str) -> None:
    """The code of an earlier login, in a callback with a fresh state."""
    person = at.browser()
    used = person.consent(person.consent_url(at.link(platform)))
    assert person.client.get(used).status_code == 200
    at.store.db["accounts"].delete_many({})
    fresh = person.consent(person.consent_url(at.link(platform)), account=1)
    (code,), (state,) = (parse_qs(urlsplit(url).query)[n] for url, n in ((used, "code"), (fresh, "state")))
    address = fresh.partition("?")[0]
    page = person.client.get(address, params={"code": code, "state": state})
    refused(at, page, 400, "did not accept the code", "A code works once", "start again")
    assert code not in page.text


@pytest.mark.parametrize("platform", PLATFORMS)
def test_other_account_than_announced_stores_nothing(at: Desk, platform: Platform) -> None:
    wanted, other = (at.simulator.world.account(platform, n).platform_account_id for n in (1, 2))
    page = at.browser().connect(at.link(platform, platformAccountId=wanted), account=2)
    refused(at, page, 400, other, f"not to the account {wanted}", "Log out at")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_reconnecting_revives_an_account_with_a_dead_token(at: Desk, platform: Platform) -> None:
    person = at.browser()
    wanted = at.simulator.world.account(platform, 1).platform_account_id
    person.connect(at.link(platform), account=1)
    (before,) = at.accounts()
    at.store.accounts.set_state(before["_id"], "needs_reauth", "the token is dead")
    assert person.connect(at.link(platform, platformAccountId=wanted), account=1).status_code == 200
    (after,) = at.accounts()
    assert (after["_id"], after["state"], after["connectedAt"]) == (before["_id"], "active", before["connectedAt"])
    assert "stateReason" not in after
    assert at.credentials(after)["access_token"] != at.credentials(before)["access_token"]


def test_login_keeps_the_second_grant_of_an_account(at: Desk) -> None:
    """A login gives the tokens of one app; those of TikTok's API for Business come from another one."""
    person = at.browser()
    person.connect(at.link("tiktok"))
    (account,) = at.accounts()
    second = further_credentials(at.simulator.world.account("tiktok", 0))
    both = Vault(at.settings.secret_keys).seal({**at.credentials(account), **second}, account["_id"])
    assert at.store.accounts.set_credentials(account["_id"], both)
    person.connect(at.link("tiktok"))
    found = at.credentials(at.accounts()[0])
    assert {name: found.get(name) for name in second} == second
    assert found["access_token"] != Vault(at.settings.secret_keys).open(both, account["_id"])["access_token"]


@pytest.mark.parametrize("given", [False, True])
def test_page_says_that_a_consent_is_lacking(at: Desk, given: bool) -> None:
    at.store.consents.set(WORKSPACE, "pinterest", given=given)
    page = at.browser().connect(at.link("pinterest"))
    assert page.status_code == 200
    lacking = f"<code>tidemark consents give {WORKSPACE} --platform pinterest</code>"
    assert (lacking in page.text, "The next hour is the first" in page.text) == (not given, given)


def test_paused_account_stays_paused(at: Desk) -> None:
    person = at.browser()
    person.connect(at.link("youtube"))
    (account,) = at.accounts()
    at.store.accounts.set_state(account["_id"], "paused")
    assert "It is paused" in person.connect(at.link("youtube")).text
    assert at.accounts()[0]["state"] == "paused"


def test_history_is_requested_once_connected(at: Desk) -> None:
    at.browser().connect(at.link("threads"))
    (account,) = at.accounts()
    history = at.store.memories.history(account["_id"])
    assert history is not None


# --- The platform misbehaves


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "html"}, "did not answer with JSON"),
        ({"kind": "redirect", "value": "http://evil.example/"}, "redirects to another place"),
        ({"kind": "empty_body"}, "did not answer with JSON"),
        ({"kind": "foreign_body", "value": {"access_token": 3}}, "was not understood"),
        ({"kind": "foreign_body", "value": []}, "tart again"),
    ],
)
def test_strange_answer_stores_nothing(at: Desk, fault: dict[str, Any], words: str) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("youtube")))
    at.simulator.set_faults(fault)
    page = person.client.get(back)
    refused(at, page, page.status_code, words)
    assert page.status_code in (400, 502)


def test_platform_that_is_away_stores_nothing(
    settings: Settings, store: Store, redis_client: Redis, simulator: Simulator
) -> None:
    away = f"http://{HOST}:{free_port()}"
    with desk(settings, store, redis_client, simulator, youtube_token_url=away) as at:
        refused(at, at.browser().connect(at.link("youtube")), 502, "cannot be reached", "Try again")


@pytest.mark.parametrize(
    ("platform", "body", "words"),
    [
        ("youtube", {"items": []}, "can read no account. Choose the Google account"),
        ("facebook", {"data": []}, "can read no account. Log in as a person with a role on the Page"),
        ("linkedin", {"elements": []}, "super admin"),
    ],
)
def test_login_without_the_one_account_stores_nothing(at: Desk, platform: str, body: Any, words: str) -> None:
    path = {"youtube": "youtube/v3/channels", "facebook": "me/accounts", "linkedin": "organizationAcls"}[platform]
    person = at.browser()
    back = person.consent(person.consent_url(at.link(platform)))
    at.simulator.set_faults({"kind": "foreign_body", "path": path, "value": body})
    refused(at, person.client.get(back), 400, words)


# --- Settings


def test_platform_without_a_login_says_so(at: Desk) -> None:
    answer = at.post("bluesky")
    assert answer.status_code == 422
    assert "Bluesky needs no login here" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("connect_url", "TIDEMARK_CONNECT_URL"),
        ("youtube_client_id", "TIDEMARK_YOUTUBE_CLIENT_ID"),
        ("youtube_client_secret", "TIDEMARK_YOUTUBE_CLIENT_SECRET"),
        ("secret_keys", "TIDEMARK_SECRET_KEYS"),
    ],
)
def test_missing_setting_is_named(
    field: str, name: str, settings: Settings, store: Store, redis_client: Redis, simulator: Simulator
) -> None:
    unset: dict[str, Any] = {field: () if field == "secret_keys" else None}
    with desk(settings, store, redis_client, simulator, **unset) as at:
        answer = at.post("youtube")
        assert answer.status_code == 422
        assert f"the operator has to set {name} (" in answer.json()["detail"]


@pytest.mark.parametrize("platform", ["myspace", "../etc"])
def test_unknown_platform_is_not_found(at: Desk, platform: str) -> None:
    assert at.post(platform).status_code == 404
    assert at.browser().client.get(f"{at.url}/connect/{platform}").status_code == 404


def test_wrong_account_id_is_refused_before_anybody_logs_in(at: Desk) -> None:
    answer = at.post("youtube", platformAccountId="@north")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "platformAccountId")


def test_answer_conforms_to_openapi(at: Desk) -> None:
    headers = {"Authorization": f"Bearer {at.key}"}
    with httpx.Client(base_url=at.url, headers=headers, event_hooks={"response": [check]}) as client:
        client.post(f"/analytics/workspace/{WORKSPACE}/connect/threads")
        client.post(f"/analytics/workspace/{WORKSPACE}/connect/bluesky")


def test_late_consent_is_too_old(at: Desk) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("twitter")))
    at.simulator.set_clock(utcnow() + timedelta(seconds=31))
    refused(at, person.client.get(back), 400, "did not accept the code", "the code has expired")
