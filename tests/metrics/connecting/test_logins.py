"""The description of each platform's login: complete, and read as the platforms write it."""

from urllib.parse import urlsplit

import pytest

from metrics.platforms.facts import PlatformFacts
from metrics.platforms.login import scopes_of_answer, split_scopes
from metrics.platforms.registry import FACTS

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
