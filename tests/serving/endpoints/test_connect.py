"""Connecting accounts through logins: each platform's flow, and every way in which one goes wrong or is attacked."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.connecting import flows
from metrics.documents import Platform
from metrics.settings import PREFIX, Settings
from metrics.store import Store
from metrics.upkeep.erase import begin
from pipelines.platforms.base import Access, Tally
from pipelines.platforms.registry import open_platform
from serving.process.logs import redact
from tests.serving.conformance import check
from tests.serving.logins import PLATFORMS, WORKSPACE, Desk, desk
from tests.serving.processes import ServingProcess
from tests.simulator_fixture import Simulator
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.simulated import simulated_settings

NEEDED = {
    "instagram": "instagram_business_manage_insights",
    "facebook": "read_insights",
    "twitter": "offline.access",
    "linkedin": "r_organization_social",
    "youtube": "https://www.googleapis.com/auth/yt-analytics.readonly",
    "threads": "threads_manage_insights",
}
"""A needed scope of each platform."""


@pytest.fixture
def at(settings: Settings, store: Store, redis_client: Redis, simulator: Simulator) -> Iterator[Desk]:
    with desk(settings, store, redis_client, simulator) as opened:
        yield opened


def refused(at: Desk, page: httpx.Response, status: int, *words: str) -> None:
    """Check that a page says what to do, and that nothing was stored."""
    assert page.status_code == status, page.text
    assert "text/html" in page.headers["content-type"]
    for word in words:
        assert word in page.text, page.text
    assert at.accounts() == []


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


# --- Nothing leaks


@pytest.mark.parametrize("platform", PLATFORMS)
def test_verifier_and_secret_stay_on_the_server(at: Desk, platform: str) -> None:
    person = at.browser()
    link = at.link(platform)
    url = person.consent_url(link)
    query = parse_qs(urlsplit(url).query)
    assert at.settings.login_app(platform)[1].get_secret_value() not in url  # type: ignore[arg-type, index]
    assert query["redirect_uri"] == [f"{at.url}/connect/{platform}/callback"]
    assert ("code_challenge" in query) == (platform in ("twitter", "youtube"))
    if "code_challenge" in query:
        assert query["code_challenge_method"] == ["S256"]
    names: list[Any] = list(at.redis.scan_iter("tm:{connect:*"))
    kept: Any = b" ".join([*names, *(at.redis.get(name) or b"" for name in names)])  # type: ignore[list-item]
    for secret in (query["state"][0], *person.client.cookies.values(), parse_qs(urlsplit(link).query)["ticket"][0]):
        assert secret.encode() not in kept
    lives: list[Any] = [at.redis.ttl(name) for name in names]
    assert lives
    assert all(0 < life <= flows.FLOW_SECONDS for life in lives)


def test_pages_let_nothing_out(at: Desk) -> None:
    person = at.browser()
    pages = [person.client.get(at.link("youtube")), person.client.get(f"{at.url}/connect/youtube")]
    pages.append(person.connect(at.link("youtube")))
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text


def test_cookie_is_for_this_path_and_no_script(at: Desk) -> None:
    header = at.browser().client.get(at.link("youtube")).headers["set-cookie"].lower()
    assert all(part in header for part in ("httponly", "samesite=lax", "path=/connect", "max-age=600"))
    assert "secure" not in header


def test_cookie_is_secure_behind_tls(
    settings: Settings, store: Store, redis_client: Redis, simulator: Simulator
) -> None:
    public = "https://tidemark.example.com"
    with desk(settings, store, redis_client, simulator, connect_url=public) as at:
        link = at.link("youtube")
        assert link.startswith(f"{public}/connect/youtube?ticket=")
        page = at.browser().client.get(link.replace(public, at.url))
        assert "; secure" in page.headers["set-cookie"].lower()
        assert quote(f"{public}/connect/youtube/callback", safe="") in page.text


def test_logs_of_the_process_have_neither_code_nor_token(
    settings: Settings, store: Store, redis_client: Redis, simulator: Simulator, tmp_path: Path
) -> None:
    public = "http://localhost:9"
    simulated = simulated_settings(settings, simulator.url, public)
    environment = {f"{PREFIX}{name.upper()}": value for name, value in simulated.items()}
    environment[f"{PREFIX}SECRET_KEYS"] = settings.secret_keys[0].get_secret_value()
    process = ServingProcess(settings, tmp_path, **environment)
    key, _ = store.keys.create("connects", [WORKSPACE], ["admin"])
    at = Desk(settings, store, redis_client, simulator, key, process.url)
    person = at.browser()
    link = at.link("twitter").replace(public, at.url)
    back = person.consent(person.consent_url(link)).replace(public, at.url)
    assert person.client.get(back).status_code == 200
    assert person.client.get(back).status_code == 400
    process.stop()
    at.close()
    (account,) = at.accounts()
    credentials, query = at.credentials(account), parse_qs(urlsplit(back).query)
    ticket, log = parse_qs(urlsplit(link).query)["ticket"][0], (tmp_path / "serving.log").read_text()
    assert "/connect/twitter/callback" in log
    secrets = [query["code"][0], query["state"][0], ticket]
    secrets += [credentials[name] for name in ("access_token", "refresh_token", "client_secret")]
    assert [secret for secret in secrets if secret in log] == []
    assert redact(f"{query['state'][0]} {ticket}") == "[secret] [secret]"


def test_platform_that_quotes_the_code_is_not_repeated(at: Desk) -> None:
    person = at.browser()
    back = person.consent(person.consent_url(at.link("youtube")))
    (code,) = parse_qs(urlsplit(back).query)["code"]
    quoted = {"error": "invalid_grant", "error_description": f"Bad code {code} for simulated-secret"}
    at.simulator.set_faults({"kind": "foreign_body", "path": "token", "value": quoted})
    page = person.client.get(back)
    refused(at, page, 400, "Bad code …")
    assert code not in page.text
    assert "simulated-secret" not in page.text


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
        (
            "facebook",
            {"data": [{"id": str(n), "name": f"Page {n}", "access_token": f"t{n}"} for n in range(10, 13)]},
            "can read several accounts: Page 10 (10), Page 11 (11), Page 12 (12). Start again and name one",
        ),
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
