"""Definitions have versions: each change adds one, also to the definitions that name what changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from metrics.definitions import changes
from metrics.definitions.changes import NewDefinition, define, retire
from metrics.definitions.stored import find_definitions, find_version
from metrics.documents import AccountDocument
from metrics.errors import InvalidInput, NotFound
from metrics.store import Store
from metrics.store.workspace.metric_definitions import DefinitionDocument
from metrics.upkeep.erase.extent import left_of

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def put(store: Store, name: str, expression: str, **more: str) -> DefinitionDocument:
    wanted = NewDefinition(name, more.pop("title", name), expression, **more)
    return define(store, "w1", [wanted], NOW)[name]


def test_change_makes_a_new_version_and_keeps_the_old_one(store: Store) -> None:
    assert put(store, "rate", "percent(saves, views)")["version"] == 1
    assert put(store, "rate", "percent(saves, impressions)")["version"] == 2
    assert put(store, "rate", "percent(saves, impressions)")["version"] == 2
    assert put(store, "rate", "percent(saves, impressions)", title="Rate of saves")["version"] == 3
    assert [str(find_version(store, "w1", "rate", n).checked.form) for n in (1, 2)] == [
        "percent(saves, views)",
        "percent(saves, impressions)",
    ]
    assert find_version(store, "w1", "rate").versions == {"rate": 3}


def test_change_of_a_named_definition_makes_a_version_of_what_names_it(store: Store) -> None:
    put(store, "loved", "likes + saves")
    put(store, "twice", "2 * loved")
    put(store, "rate", "percent(twice, views)")
    put(store, "loved", "likes + saves", title="Loved")
    assert find_version(store, "w1", "rate").versions == {"rate": 1, "twice": 1, "loved": 1}
    put(store, "loved", "likes + shares")
    rate = find_version(store, "w1", "rate")
    assert rate.versions == {"rate": 2, "twice": 2, "loved": 3}
    assert rate.document["because"] == "loved"
    assert str(rate.checked.form) == "percent(2 * likes + 2 * shares, views)"
    assert str(find_version(store, "w1", "rate", 1).checked.form) == "percent(2 * likes + 2 * saves, views)"


def test_two_definitions_cannot_name_each_other(store: Store) -> None:
    put(store, "one", "likes")
    put(store, "two", "one + saves")
    with pytest.raises(InvalidInput, match="character 1: definitions name each other in a circle: one -> two -> one"):
        put(store, "one", "two + likes")
    assert store.definitions.newest("w1")["one"]["version"] == 1


def test_two_definitions_cannot_name_each_other_in_the_same_instant(store: Store) -> None:
    put(store, "one", "likes")
    put(store, "two", "saves")

    def change(name: str, expression: str) -> str:
        try:
            return str(put(store, name, expression)["version"])
        except InvalidInput as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(change, ("one", "two"), ("two + likes", "one + saves")))
    assert sorted(result == "2" for result in results) == [False, True], results


def test_changes_at_once_each_get_a_version(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: put(store, "rate", f"{n} * likes"), range(1, 9)))
    versions = store.definitions.versions("w1", "rate")
    assert [one["version"] for one in versions] == list(range(1, 9))


def test_change_that_breaks_another_definition_is_refused(store: Store) -> None:
    put(store, "loved", "likes + saves")
    put(store, "rate", "percent(loved, views)")
    with pytest.raises(InvalidInput, match="rate names loved, and would be refused: character 9: loved is a ratio"):
        put(store, "loved", "likes / saves")


def test_retired_definition_is_read_in_its_versions_only(store: Store) -> None:
    put(store, "rate", "percent(saves, views)")
    retire(store, "w1", "rate", NOW)
    retire(store, "w1", "rate", NOW)
    assert find_definitions(store, "w1", ["rate"]) == {}
    with pytest.raises(InvalidInput, match="rate was retired"):
        find_version(store, "w1", "rate")
    assert find_version(store, "w1", "rate", 1).checked.unit == "percent"
    with pytest.raises(InvalidInput, match="there is no metric rate"):
        put(store, "more", "rate + likes")
    assert put(store, "rate", "percent(saves, views)")["version"] == 2
    assert list(find_definitions(store, "w1", ["rate", "other"])) == ["rate"]


def test_definition_that_another_one_names_is_not_retired(store: Store) -> None:
    put(store, "loved", "likes + saves")
    put(store, "rate", "percent(loved, views)")
    with pytest.raises(InvalidInput, match="loved is named by rate: change or retire that first"):
        retire(store, "w1", "loved", NOW)
    with pytest.raises(NotFound, match=r"there is no definition love: did you mean loved\?"):
        retire(store, "w1", "love", NOW)


def test_several_are_stored_together_or_not_at_all(store: Store) -> None:
    good, bad = NewDefinition("rate", "Rate", "percent(loved, views)"), NewDefinition("worse", "Worse", "likez")
    with pytest.raises(InvalidInput, match="there is no metric loved"):
        define(store, "w1", [good], NOW)
    with pytest.raises(InvalidInput, match="there is no metric likez"):
        define(store, "w1", [NewDefinition("loved", "Loved", "likes"), good, bad], NOW)
    assert store.definitions.versions("w1") == []
    define(store, "w1", [good, NewDefinition("loved", "Loved", "likes")], NOW)
    assert find_version(store, "w1", "rate").versions == {"rate": 1, "loved": 1}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (NewDefinition("likes", "t", "saves"), "name: likes is a name of Tidemark itself"),
        (NewDefinition("totalLikes", "t", "saves"), "name: totalLikes is a name of Tidemark itself"),
        (NewDefinition("1st", "t", "saves"), "name: a name has 1 to 64 letters"),
        (NewDefinition("a-b", "t", "saves"), "name: a name has 1 to 64 letters"),
        (NewDefinition("a", "", "saves"), "title: a title has 1 to 100 characters"),
        (NewDefinition("a", "t", "saves", "d" * 1001), "description: a description has 1 to 1,000 characters"),
        (NewDefinition("a", "\ud800", "saves"), "title: the text holds half of a character"),
        (NewDefinition("a", "t", "saves", unit="people"), "unit: the expression is in count"),
    ],
)
def test_wrong_definition_is_refused(store: Store, wanted: NewDefinition, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        define(store, "w1", [wanted], NOW)
    with pytest.raises(InvalidInput, match="a is given twice"):
        define(store, "w1", [NewDefinition("a", "t", "saves")] * 2, NOW)
    assert store.definitions.versions("w1") == []


def test_definitions_and_versions_are_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_DEFINITIONS", 1)
    monkeypatch.setattr(changes, "MAX_VERSIONS", 2)
    for factor in (2, 3):
        put(store, "rate", f"{factor} * likes")
    with pytest.raises(InvalidInput, match="rate has 2 versions, which is the most"):
        put(store, "rate", "4 * likes")
    with pytest.raises(InvalidInput, match="at most 1 definitions"):
        put(store, "other", "likes")


def test_names_of_accounts_are_checked_when_it_is_defined_only(store: Store) -> None:
    account: AccountDocument = {
        "_id": "acc_1", "workspaceId": "w1", "platform": "instagram", "platformAccountId": "1", "handle": "north",
        "state": "active", "connectedAt": NOW,
    }  # fmt: skip
    store.accounts.put([account])
    wanted = NewDefinition("mine", "Mine", "likes{account=acc_1}")
    with pytest.raises(InvalidInput, match="there is no account acc_1: the workspace has no account"):
        define(store, "other", [wanted], NOW)
    define(store, "w1", [wanted], NOW)
    store.db["accounts"].delete_many({})
    assert find_version(store, "w1", "mine").checked.unit == "count"


def test_unknown_name_and_version_are_told_with_what_there_is(store: Store) -> None:
    with pytest.raises(NotFound, match="there is no definition rate: the workspace has no definition"):
        find_version(store, "w1", "rate")
    put(store, "rate", "likes")
    with pytest.raises(NotFound, match="rate has no version 2: it has 1 to 1"):
        find_version(store, "w1", "rate", 2)


def test_definitions_are_erased_with_the_workspace(store: Store) -> None:
    put(store, "rate", "likes")
    assert left_of(store, "workspace", "w1")["metric_definitions"] == 1
    assert "metric_definitions" not in left_of(store, "account", "acc_1")
