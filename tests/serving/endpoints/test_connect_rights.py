"""Logins that are begun without the right, or come back another way than they went."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from metrics.upkeep.erase import begin
from tests.serving.logins import WORKSPACE, Desk, at, refused

__all__ = ["at"]


# --- Who may start


@pytest.mark.parametrize("scopes", [["read"], ["collect"], ["read", "collect"]])
def test_key_without_admin_gets_no_link(at: Desk, scopes: list[Any]) -> None:
    key, _ = at.store.keys.create("weak", [WORKSPACE], scopes)
    answer = at.post("youtube", key)
    assert (answer.status_code, answer.json()["detail"]) == (403, "This API key lacks the scope `admin`.")


def test_key_of_another_workspace_gets_no_link(at: Desk) -> None:
    assert at.post("youtube", workspace="rival").status_code == 404


def test_stream_ticket_opens_no_login(at: Desk) -> None:
    headers = {"Authorization": f"Bearer {at.key}"}
    ticket = httpx.post(f"{at.url}/analytics/stream/tickets", headers=headers).json()["ticket"]
    refused(at, at.browser().client.get(f"{at.url}/connect/youtube?ticket={ticket}"), 401, "Start again")


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=tmc_made-up", "?state=x&ticket=%00"])
def test_page_without_a_ticket_says_how_to_start(at: Desk, query: str) -> None:
    refused(at, at.browser().client.get(f"{at.url}/connect/youtube{query}"), 401, "tidemark accounts authorize")


def test_link_works_once(at: Desk) -> None:
    link = at.link("youtube")
    assert at.browser().client.get(link).status_code == 200
    refused(at, at.browser().client.get(link), 401, "was used already")


def test_preview_of_a_link_does_not_use_it_up(at: Desk) -> None:
    link, person = at.link("youtube"), at.browser()
    assert person.client.head(link).status_code == 200
    assert not person.client.cookies
    assert person.connect(link).status_code == 200


def test_link_of_one_platform_opens_no_other(at: Desk) -> None:
    link = at.link("youtube").replace("/connect/youtube", "/connect/threads")
    refused(at, at.browser().client.get(link), 401, "Start again")


@pytest.mark.parametrize("when", ["before the page", "before the return"])
def test_revoked_key_connects_nothing(at: Desk, when: str) -> None:
    link, person = at.link("youtube"), at.browser()
    if when == "before the page":
        at.store.keys.revoke(at.key[:14])
        refused(at, person.client.get(link), 403, "was revoked", "Ask for a new link")
        return
    back = person.consent(person.consent_url(link))
    at.store.keys.revoke(at.key[:14])
    refused(at, person.client.get(back), 403, "was revoked", "Ask for a new link")


# --- The way back


def test_way_back_in_another_browser_stores_nothing(at: Desk) -> None:
    """A stolen callback, and a login that an attacker began and had another person finish."""
    person, thief = at.browser(), at.browser()
    back = person.consent(person.consent_url(at.link("twitter")))
    refused(at, thief.client.get(back), 403, "begun in another browser")
    # The thief could not use up the state of the person.
    assert person.client.get(back).status_code == 200


def test_state_of_another_login_stores_nothing(at: Desk) -> None:
    """An attacker's code and state in the browser of a person who began a login of their own."""
    person, attacker = at.browser(), at.browser()
    person.consent_url(at.link("twitter"))
    theirs = attacker.consent(attacker.consent_url(at.link("twitter")), account=3)
    refused(at, person.client.get(theirs), 403, "begun in another browser")


@pytest.mark.parametrize("state", ["", "tms_made-up", "tms_" + "a" * 2000, "\x00", "é"])
def test_unknown_state_stores_nothing(at: Desk, state: str) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("linkedin")))
    (code,) = parse_qs(urlsplit(back).query)["code"]
    page = person.client.get(back.partition("?")[0], params={"code": code, "state": state})
    refused(at, page, 400, "too old", "Start again")


def test_state_works_once_also_for_two_at_the_same_time(at: Desk) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("youtube")))
    assert person.client.get(back).status_code == 200
    again = at.browser()
    again.client.cookies = person.client.cookies
    assert again.client.get(back).status_code == 400
    assert len(at.accounts()) == 1


def test_state_of_another_platform_stores_nothing(at: Desk) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("instagram")))
    refused(at, person.client.get(back.replace("/connect/instagram/", "/connect/threads/")), 400, "Start again")


@pytest.mark.parametrize("code", ["", "a" * 3000, "made up", "code.youtube.made-up"])
def test_unusable_code_stores_nothing(at: Desk, code: str) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("youtube")))
    (state,) = parse_qs(urlsplit(back).query)["state"]
    page = person.client.get(back.partition("?")[0], params={"code": code, "state": state})
    refused(at, page, 400, "tart again")


def test_error_of_the_url_is_not_shown(at: Desk) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("youtube")))
    (state,) = parse_qs(urlsplit(back).query)["state"]
    words = {"state": state, "error": "server_error", "error_description": "<script>call 555</script>"}
    page = person.client.get(back.partition("?")[0], params=words)
    refused(at, page, 400, "The operator checks the app")
    assert "555" not in page.text


def test_account_that_is_being_erased_is_not_connected(at: Desk) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("youtube")))
    person.connect(at.link("youtube"), account=1)
    begin(at.store, "workspace", WORKSPACE, "test")
    page = person.client.get(back)
    assert page.status_code == 400, page.text
    assert "is being erased" in page.text
    assert at.simulator.world.account("youtube", 0).platform_account_id not in str(at.accounts())
