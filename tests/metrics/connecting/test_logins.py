"""The description of each platform's login: complete, and read as the platforms write it."""

from urllib.parse import urlsplit

import pytest

from metrics.platforms.facts import PlatformFacts
from metrics.platforms.login import scopes_of_answer, split_scopes
from metrics.platforms.registry import FACTS
from tests.blocks import ROOT

WITH_LOGIN = [facts for facts in FACTS.values() if facts.login is not None]


@pytest.mark.parametrize("facts", WITH_LOGIN, ids=lambda facts: facts.name)
def test_addresses_are_below_hosts_of_the_platform(facts: PlatformFacts) -> None:
    login = facts.login
    assert login is not None
    addresses = [login.authorize, login.token, login.owned.at]
    addresses += [part.at for part in (login.granted, login.long_lived) if part is not None]
    for at in addresses:
        assert at.path.startswith("/")
        assert urlsplit(facts.apis[at.api].url).scheme == "https"


@pytest.mark.parametrize("facts", WITH_LOGIN, ids=lambda facts: facts.name)
def test_needed_scopes_are_missed_in_order(facts: PlatformFacts) -> None:
    login = facts.login
    assert login is not None
    assert login.missing_scopes({"other"}) == list(login.scopes)
    assert login.missing_scopes({*login.scopes, "other"}) == []


@pytest.mark.parametrize("facts", FACTS.values(), ids=lambda facts: facts.name)
def test_platform_without_a_login_says_how_to_connect(facts: PlatformFacts) -> None:
    assert facts.login is not None or "tidemark accounts connect" in facts.no_login


@pytest.mark.parametrize("text", ["a b", "a,b", "a, b", ["a", "b"]])
def test_scopes_are_read_in_every_notation(text: object) -> None:
    assert split_scopes(text) == {"a", "b"}


def test_answer_without_scopes_tells_none() -> None:
    assert scopes_of_answer({"access_token": "t"}) is None
    assert scopes_of_answer({"scope": ""}) == frozenset()
    with pytest.raises(TypeError):
        split_scopes(3)


@pytest.mark.parametrize("facts", FACTS.values(), ids=lambda facts: facts.name)
def test_page_about_connecting_has_the_login_of_each_platform(facts: PlatformFacts) -> None:
    """The table of docs/connecting.md has each redirect address and permission, or says how to connect without."""
    page = (ROOT / "docs" / "connecting.md").read_text()
    (row,) = (line for line in page.splitlines() if line.startswith(f"| {facts.title} |"))
    if facts.login is None:
        assert "/callback" not in row
        assert facts.no_login.rstrip(".") in row
        return
    assert f"`/connect/{facts.name}/callback`" in row
    names = [scope.rpartition("/")[2] for scope in (*facts.login.scopes, *facts.login.optional_scopes)]
    assert [name for name in names if f"`{name}`" not in row] == []
    if facts.second_login is not None:
        assert [scope for scope in facts.second_login.scopes if f"`{scope}`" not in page] == []
