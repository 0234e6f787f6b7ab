"""Watch lists: what is accepted, what is refused with which line, and what becomes of looked-up accounts."""

from datetime import UTC, datetime, timedelta

import pytest

from metrics.calendars import Calendar
from metrics.documents import Platform, WatchedState
from metrics.errors import InvalidInput, NotFound
from metrics.identity import watched_key
from metrics.periods import DAY
from metrics.store import Store
from metrics.watching.lists import NewWatch, Refused, switch_platform, unwatch, watch, watch_all, watched_account
from metrics.watching.looks import RefusedState, note_refused, note_resolved
from tests.watched import connect

NOW = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("platform", "text", "key"),
    [
        ("instagram", "@Acme.Official", "@acme.official"),
        ("instagram", "17841400000000001", "@17841400000000001"),
        ("twitter", "12", "12"),
        ("twitter", "@12", "@12"),
        ("youtube", " @Acmé ", "@acmé"),
        ("youtube", "UC0123456789abcdefghijkl", "UC0123456789abcdefghijkl"),
        ("linkedin", "urn%3Ali%3Aorganization%3A0055", "55"),
        ("linkedin", "acme-official", "@acme-official"),
        ("bluesky", "Acme.bsky.social", "@acme.bsky.social"),
        ("bluesky", "did:plc:z72i7hdynmk6r22z27h6tvur", "did:plc:z72i7hdynmk6r22z27h6tvur"),
        ("tiktok", "acme_official", "@acme_official"),
    ],
)
def test_every_spelling_of_an_account_gives_one_key(platform: Platform, text: str, key: str) -> None:
    assert watched_key(platform, text) == watched_key(platform, key) == key


@pytest.mark.parametrize(
    ("platform", "text", "line"),
    [
        ("twitter", "https://x.com/acme", "handle: it is a web address; give the username, as acme_official, or"),
        ("instagram", "two words", "handle: two words is not a handle; give the username, as acme.official"),
        ("bluesky", "acme", "handle: acme is not a handle; give the handle, as acme.bsky.social, or the DID"),
        ("facebook", "abc", "handle: abc is not a handle; give the name in the address of the page, as acme.official"),
        ("threads", "x" * 31, "handle: "),
        ("pinterest", "", "handle: an empty text is not a handle"),
    ],
)
def test_what_is_no_handle_is_refused_with_the_right_form(
    store: Store, platform: Platform, text: str, line: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        watch(store, "w", NewWatch(platform, text), NOW, 100)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
    assert store.watch_lists.all("w") == []


def test_watching_again_changes_only_what_people_set(store: Store) -> None:
    connect(store, "acc_mine", "w")
    first = watch(store, "w", NewWatch("instagram", "acme", "Acme", "rivals", "acc_mine"), NOW, 100)
    note_resolved(store, first.document, "178", "acme", NOW)
    again = watch(store, "w", NewWatch("instagram", "@ACME", "Acme Inc."), NOW + DAY, 100)
    assert (first.is_new, again.is_new) == (True, False)
    unchanged = {name: value for name, value in first.document.items() if name not in ("label", "group", "own")}
    unchanged |= {"platformAccountId": "178", "lookedAt": NOW, "state": "active"}
    del unchanged["stateReason"]
    assert again.document == {**unchanged, "label": "Acme Inc."}
    assert watch(store, "w", NewWatch("instagram", "acme", "Acme Inc."), NOW + DAY, 100) == again


def test_first_day_of_watching_is_that_of_the_workspace(store: Store) -> None:
    store.calendars.prepare("w", calendar := Calendar("Europe/Berlin", version=1))
    assert store.calendars.switch("w", calendar, [])
    document = watch(store, "w", NewWatch("instagram", "acme"), NOW, 100).document
    assert document["connectedAt"] == datetime(2026, 6, 1, 22, tzinfo=UTC)


def test_one_account_too_many_is_refused_and_own_ones_do_not_count(store: Store) -> None:
    connect(store, "acc_mine", "w")
    for name in ("one", "two"):
        watch(store, "w", NewWatch("instagram", name), NOW, 2)
    with pytest.raises(Refused, match="watches 2 accounts of others, which is the most that TIDEMARK_WATCH_LIMIT"):
        watch(store, "w", NewWatch("instagram", "three"), NOW, 2)
    watch(store, "elsewhere", NewWatch("instagram", "three"), NOW, 2)
    watch(store, "w", NewWatch("instagram", "mine", own="acc_mine"), NOW, 2)
    with pytest.raises(Refused, match="TIDEMARK_WATCH_LIMIT"):
        watch(store, "w", NewWatch("instagram", "mine"), NOW, 2)


def test_several_accounts_are_added_or_none_of_them(store: Store) -> None:
    watch(store, "w", NewWatch("instagram", "one"), NOW, 2)
    switch_platform(store, "w", "youtube", NOW, on=False)
    for others, line in (
        ([NewWatch("instagram", "two"), NewWatch("instagram", "three")], "would watch 3 accounts of others, and"),
        ([NewWatch("instagram", "two"), NewWatch("youtube", "two")], "switched YouTube off"),
        ([NewWatch("instagram", "two"), NewWatch("bluesky", "two")], "two is not a handle"),
        ([NewWatch("instagram", "two"), NewWatch("twitter", "two", "x" * 101)], "label: "),
    ):
        with pytest.raises(InvalidInput, match=line):
            watch_all(store, "w", others, NOW, 2)
        assert len(store.watch_lists.all("w")) == 1
    found = watch_all(store, "w", [NewWatch("instagram", "one", "One"), NewWatch("instagram", "two")], NOW, 2)
    assert [one.is_new for one in found] == [False, True]
    connect(store, "acc_mine", "w")
    watch(store, "w", NewWatch("instagram", "mine", own="acc_mine"), NOW, 2)
    (again,) = watch_all(store, "w", [NewWatch("instagram", "mine", "Mine")], NOW, 2)
    assert (again.document["own"], again.document["label"]) == ("acc_mine", "Mine")


def test_own_is_an_account_of_this_workspace_and_platform_that_is_watched_once(store: Store) -> None:
    connect(store, "acc_mine", "w")
    connect(store, "acc_theirs", "elsewhere")
    connect(store, "acc_page", "w", "facebook")
    for own in ("acc_theirs", "acc_page", "acc_none"):
        with pytest.raises(Refused, match=f"own: the workspace has no Instagram account {own}"):
            watch(store, "w", NewWatch("instagram", "acme", own=own), NOW, 100)
    watch(store, "w", NewWatch("instagram", "acme", own="acc_mine"), NOW, 100)
    with pytest.raises(Refused, match="own: acc_mine is watched as acme already"):
        watch(store, "w", NewWatch("instagram", "other", own="acc_mine"), NOW, 100)


@pytest.mark.parametrize("field", ["label", "group"])
@pytest.mark.parametrize("value", ["", "x" * 101, "\ud800"])
def test_label_and_group_are_short_texts(store: Store, field: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=f"{field}: "):
        watch(store, "w", NewWatch("instagram", "acme", **{field: value}), NOW, 100)


@pytest.mark.parametrize("platform", ["tiktok", "pinterest"])
def test_platform_without_a_lawful_route_is_watched_by_hand(store: Store, platform: Platform) -> None:
    document = watch(store, "w", NewWatch(platform, "acme"), NOW, 100).document
    assert document["state"] == "unsupported"
    assert "no lawful route" in document["stateReason"]
    assert document["stateReason"].endswith("Its numbers can be entered by hand.")
    assert store.watch_lists.to_look_at(platform, NOW + DAY) == []


def test_platform_that_was_switched_off_takes_and_reads_no_accounts(store: Store) -> None:
    for name in ("one", "two"):
        watch(store, "w", NewWatch("instagram", name), NOW, 100)
        watch(store, "elsewhere", NewWatch("instagram", name), NOW, 100)
    assert switch_platform(store, "w", "instagram", NOW, on=False) == 2
    assert switch_platform(store, "w", "instagram", NOW, on=False) == 0
    with pytest.raises(Refused, match="the workspace switched Instagram off for watching"):
        watch(store, "w", NewWatch("instagram", "three"), NOW, 100)
    assert watch(store, "w", NewWatch("instagram", "one", "One"), NOW, 100).document["state"] == "off"
    assert {one["workspaceId"] for one in store.watch_lists.to_look_at("instagram", NOW)} == {"elsewhere"}
    assert switch_platform(store, "w", "instagram", NOW + DAY, on=True) == 2
    assert len(store.watch_lists.to_look_at("instagram", NOW)) == 4


@pytest.mark.parametrize("state", ["not_found", "personal", "private", "age_gated"])
def test_refused_account_is_looked_at_again_the_next_day(store: Store, state: RefusedState) -> None:
    document = watch(store, "w", NewWatch("instagram", "acme"), NOW, 100).document
    for later in (NOW, NOW + timedelta(hours=5)):
        note_refused(store, store.watch_lists.all("w")[0], state, "Instagram does not show it.", later)
    (found,) = store.watch_lists.all("w")
    assert (found["state"], found["stateReason"]) == (state, "Instagram does not show it.")
    assert (found["stateSince"], found["lookedAt"]) == (NOW, NOW + timedelta(hours=5))
    assert store.watch_lists.to_look_at("instagram", NOW) == []
    assert [one["_id"] for one in store.watch_lists.to_look_at("instagram", NOW + DAY)] == [document["_id"]]
    assert note_resolved(store, found, "178", "acme", NOW + DAY) == "active"
    (found,) = store.watch_lists.all("w")
    assert (found["stateSince"], "stateReason" in found) == (NOW + DAY, False)


def test_renamed_account_keeps_its_key_and_is_found_by_each_name(store: Store) -> None:
    document = watch(store, "w", NewWatch("twitter", "acme"), NOW, 100).document
    note_resolved(store, document, "700", "acme_inc", NOW)
    for name in ("acme", "@acme_inc", "700"):
        found = watched_account(store, "w", "twitter", name)
        assert (found["_id"], found["handle"]) == (document["_id"], "acme_inc")
    assert not watch(store, "w", NewWatch("twitter", "700"), NOW, 100).is_new


def test_account_that_is_watched_twice_is_read_once(store: Store) -> None:
    states: list[WatchedState] = []
    for name in ("acme", "700"):
        document = watch(store, "w", NewWatch("twitter", name), NOW, 100).document
        states.append(note_resolved(store, document, "700", "acme", NOW) if name == "acme" else "pending")
    # The second one is found by its id, and so is the same.
    assert (states, len(store.watch_lists.all("w"))) == (["active", "pending"], 1)
    other = watch(store, "w", NewWatch("twitter", "acme_old"), NOW, 100).document
    assert note_resolved(store, other, "700", "acme", NOW) == "off"
    found = watched_account(store, "w", "twitter", "acme_old")
    assert "is the same account as another one that is watched" in found["stateReason"]
    elsewhere = watch(store, "elsewhere", NewWatch("twitter", "acme"), NOW, 100).document
    assert note_resolved(store, elsewhere, "700", "acme", NOW) == "active"


def test_only_the_own_list_can_be_read_and_removed(store: Store) -> None:
    watch(store, "w", NewWatch("instagram", "acme"), NOW, 100)
    for call in (watched_account, unwatch):
        with pytest.raises(NotFound, match="elsewhere does not watch instagram @acme"):
            call(store, "elsewhere", "instagram", "acme")
    assert len(store.watch_lists.all("w")) == 1
