"""The command that prints a link for a login, and waits for its outcome."""

import json
import os
import re
import sys
import threading
from collections.abc import Iterator

import pytest
from redis import Redis

from metrics.settings import Settings
from metrics.store import Store
from tests.serving.logins import Desk, desk
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli
from tests.waiting import until
from tidemark import login_choice
from tidemark.commands import authorize as command

WORDS = ("accounts", "authorize", "--workspace", "acme", "--platform")


@pytest.fixture
def at(
    settings: Settings,
    on_stores: Store,
    redis_client: Redis,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    """A server, and the command line with its settings."""
    with desk(settings, on_stores, redis_client, simulator) as opened:
        for name in type(settings).model_fields:
            if name.endswith(("_client_id", "_client_secret", "_url")) and name != "export_url":
                value = getattr(opened.settings, name)
                text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
                if text is not None:
                    monkeypatch.setenv(f"TIDEMARK_{name.upper()}", str(text))
        yield opened


def test_link_connects_the_account_of_the_person(at: Desk, cli: Cli) -> None:
    ran = cli(*WORDS, "threads", "--no-wait")
    assert ran.code == 0, ran
    assert at.browser().connect(ran.out.strip(), account=1).status_code == 200
    (account,) = at.accounts()
    assert account["platformAccountId"] == at.simulator.world.account("threads", 1).platform_account_id


@pytest.mark.parametrize("denied", [False, True])
def test_command_waits_for_the_outcome(at: Desk, cli: Cli, denied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[str] = []
    monkeypatch.setattr(command, "print_note", links.append)
    person = at.browser()

    def go() -> None:
        until(lambda: any("?ticket=" in one for one in links), 60)
        (link,) = (one for one in links if "?ticket=" in one)
        url = person.consent_url(link)
        person.client.get(person.refuse(url) if denied else person.consent(url))

    thread = threading.Thread(target=go)
    thread.start()
    ran = cli(*WORDS, "youtube", "--json")
    thread.join()
    if denied:
        assert ran.code == 1
        assert "You did not give Tidemark the permissions at YouTube" in ran.err
        assert at.accounts() == []
        return
    (account,) = at.accounts()
    told = {"accountId": account["_id"], "platformAccountId": account["platformAccountId"], "handle": account["handle"]}
    assert json.loads(ran.out) == {"accounts": [told]}
    assert any("permissions: https://www.googleapis.com/auth/youtube.readonly" in one for one in links)


@pytest.mark.parametrize(("typed", "chosen"), [("9\n1 3\n", (0, 2)), ("2\n", (1,))])
def test_accounts_are_chosen_by_their_numbers_at_the_terminal(
    at: Desk, cli: Cli, typed: str, chosen: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, terminal = os.openpty()
    keyboard = os.fdopen(terminal)
    monkeypatch.setattr(sys, "stdin", keyboard)
    notes: list[str] = []
    monkeypatch.setattr(command, "print_note", notes.append)
    person = at.browser()

    def go() -> None:
        until(lambda: any("?ticket=" in one for one in notes), 60)
        (link,) = (one for one in notes if "?ticket=" in one)
        assert person.several(link, 0, 1, 2).status_code == 200
        until(lambda: any("type numbers here" in one for one in notes), 60)
        os.write(leader, typed.encode())

    thread = threading.Thread(target=go)
    thread.start()
    ran = cli(*WORDS, "facebook", "--json")
    thread.join()
    keyboard.close()
    os.close(leader)
    assert ran.code == 0, ran
    wanted = {at.simulator.world.account("facebook", n).platform_account_id for n in chosen}
    assert {one["platformAccountId"] for one in json.loads(ran.out)["accounts"]} == wanted
    assert {one["platformAccountId"] for one in at.accounts()} == wanted
    assert any(one.startswith("  3  ") for one in notes)
    assert any("'9' is none of the numbers from 1 to 3" in one for one in notes) == typed.startswith("9")


def test_choice_on_the_page_ends_the_command(at: Desk, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    monkeypatch.setattr(command, "print_note", notes.append)
    person = at.browser()

    def go() -> None:
        until(lambda: any("?ticket=" in one for one in notes), 60)
        (link,) = (one for one in notes if "?ticket=" in one)
        page = person.several(link, 0, 1)
        until(lambda: any("choose on the page" in one and "--account=ID" in one for one in notes), 60)
        person.choose(page, at.simulator.world.account("facebook", 1).platform_account_id)

    thread = threading.Thread(target=go)
    thread.start()
    ran = cli(*WORDS, "facebook")
    thread.join()
    (account,) = at.accounts()
    assert (ran.code, account["_id"] in ran.out) == (0, True)


def test_second_grant_needs_the_account(at: Desk, cli: Cli) -> None:
    ran = cli(*WORDS, "tiktok", "--second-grant", "--no-wait")
    assert (ran.code, "name that account" in ran.err) == (2, True)
    ran = cli(*WORDS, "youtube", "--second-grant", "--no-wait")
    assert (ran.code, "YouTube has no second grant" in ran.err) == (2, True)
    at.browser().connect(at.link("tiktok"))
    (account,) = at.accounts()
    ran = cli(*WORDS, "tiktok", "--second-grant", "--no-wait", f"--account={account['platformAccountId']}")
    assert at.browser().connect(ran.out.strip()).status_code == 200
    assert "second_access_token" in at.credentials(at.accounts()[0])


def test_nobody_who_comes_is_told(at: Desk, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_choice, "wait_for_outcome", lambda *_: None)
    ran = cli(*WORDS, "youtube")
    assert (ran.code, "nobody finished the login in time" in ran.err) == (1, True)


def test_json_has_the_link(at: Desk, cli: Cli) -> None:
    shown = json.loads(cli(*WORDS, "twitter", "--no-wait", "--json").out)
    assert re.fullmatch(rf"{at.url}/connect/twitter\?ticket=tmc_[\w-]{{43}}", shown["url"])
    assert shown["scopes"] == ["tweet.read", "users.read", "offline.access"]


def test_serving_that_is_not_there_is_told(at: Desk, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_CONNECT_URL", "http://127.0.0.1:9")
    ran = cli(*WORDS, "twitter", "--no-wait")
    assert ran.code == 2
    assert "TIDEMARK_CONNECT_URL: 127.0.0.1:9 cannot be reached" in ran.err


@pytest.mark.parametrize("url", ["http://example.com", "https://e.com/?a=b", "https://u:p@e.com", "ftp://e.com"])
def test_wrong_public_url_is_refused(cli: Cli, on_stores: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_CONNECT_URL", url)
    ran = cli(*WORDS, "twitter", "--no-wait")
    assert (ran.code, "TIDEMARK_CONNECT_URL" in ran.err) == (2, True)
    assert "u:p" not in ran.err
