"""In which groups own accounts stand: in their own one, or without one in every group of their platform."""

from datetime import UTC, datetime

from metrics.benchmarks.groups import groups_of
from metrics.benchmarks.reading import watch_of
from metrics.documents import Platform, WatchedState
from metrics.store import Store
from metrics.watching.lists import NewWatch, watch
from tests.watched import connect

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def add(
    store: Store, name: str, group: str | None, *, own: bool = False, platform: Platform = "instagram",
    state: WatchedState = "active",
) -> None:  # fmt: skip
    if own:
        connect(store, name, "w", platform)
    found = watch(store, "w", NewWatch(platform, name, group=group, own=name if own else None), NOW, 100).document
    store.watch_lists.change(found, {"state": state})


def names(store: Store, group: str | None = None) -> dict[tuple[str, str], list[str]]:
    found = groups_of(watch_of(store, "w", group=group).accounts)
    return {key: sorted(one["handle"] for one in some) for key, some in found.items()}


def test_an_own_account_without_a_group_stands_in_every_group_of_its_platform(store: Store) -> None:
    add(store, "rival", "coffee")
    add(store, "other", "tea")
    add(store, "mine", None, own=True)
    add(store, "theirs.example.com", "coffee", platform="bluesky")
    expected = {
        ("bluesky", "coffee"): ["theirs.example.com"],
        ("instagram", "coffee"): ["mine", "rival"],
        ("instagram", "tea"): ["mine", "other"],
    }
    assert names(store) == expected
    assert names(store, "tea") == {("instagram", "tea"): ["mine", "other"]}
    assert names(store, "nobody") == {}


def test_an_own_account_with_a_group_stands_in_that_one_alone(store: Store) -> None:
    add(store, "rival", "coffee")
    add(store, "mine", "tea", own=True)
    assert names(store) == {("instagram", "coffee"): ["rival"], ("instagram", "tea"): ["mine"]}


def test_an_own_account_that_is_not_read_stands_in_no_other_group(store: Store) -> None:
    add(store, "rival", "coffee")
    add(store, "former", None, own=True, state="off")
    assert names(store) == {("instagram", "coffee"): ["rival"]}


def test_accounts_without_a_group_are_a_group_where_others_are_among_them(store: Store) -> None:
    add(store, "mine", None, own=True)
    assert names(store) == {("instagram", ""): ["mine"]}
    add(store, "rival", "coffee")
    add(store, "stranger", None)
    assert names(store) == {("instagram", ""): ["mine", "stranger"], ("instagram", "coffee"): ["mine", "rival"]}
