"""Logins let no secret out: neither to pages, nor to logs, nor to Redis."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from redis import Redis

from metrics.connecting import flows
from metrics.settings import PREFIX, Settings
from metrics.store import Store
from serving.process.logs import redact
from tests.serving.logins import PLATFORMS, WORKSPACE, Desk, at, desk, refused
from tests.serving.processes import ServingProcess
from tests.simulator_fixture import Simulator
from tidemark.stack.simulated import simulated_settings

__all__ = ["at"]


# --- Nothing leaks


@pytest.mark.parametrize("platform", PLATFORMS)
def test_verifier_and_secret_stay_on_the_server(at: Desk, platform: str) -> None:
    person = at.browser()
    link = at.link(platform)
    url = person.consent_url(link)
    query = parse_qs(urlsplit(url).query)
    assert at.settings.login_app(platform)[1].get_secret_value() not in url  # type: ignore[index]
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


def test_cookie_reaches_the_pages_below_the_path_of_a_proxy(
    settings: Settings, store: Store, redis_client: Redis, simulator: Simulator
) -> None:
    public = "https://example.com/tidemark"
    with desk(settings, store, redis_client, simulator, connect_url=public) as at:
        page = at.browser().client.get(at.link("youtube").replace(public, at.url))
        assert "; path=/tidemark/connect;" in f"{page.headers['set-cookie'].lower()};"


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
