"""Channels of others on YouTube: pooled calls, hidden likes, the key of the app, and rounded subscribers."""

import pytest

from pipelines.platforms.data.tally import Tally
from pipelines.platforms.public.base import PublicSnapshot, Refusal, Resolved
from simulator.youtube.world import traits_of
from tests.pipelines.platforms.public.watching import OTHERS, Watching
from tests.simulator_fixture import Simulator


@pytest.fixture
def watching(simulator: Simulator) -> Watching:
    return Watching(simulator, "youtube")


def test_channels_and_videos_of_several_channels_share_calls(watching: Watching) -> None:
    found = watching.read(*range(150, 160))
    assert all(isinstance(one, PublicSnapshot) for one in found.values())
    videos = sum(len(one.posts) for one in found.values() if isinstance(one, PublicSnapshot))
    kinds = watching.simulator.calls()["byKind"]
    assert kinds["channels"] == 1
    assert kinds["playlistItems"] == 2 * len(found), "a page with videos that are too old, and one to be sure"
    assert kinds["videos:batchGetStats"] == -(-videos // 50)
    assert watching.tally.requests == sum(kinds.values())


def test_hidden_likes_are_named_for_their_videos(watching: Watching) -> None:
    found = watching.read(*range(150, 160))
    hidden = {post_id for one in found.values() if isinstance(one, PublicSnapshot) for post_id in one.hidden}
    posts = {post.platform_post_id: post for index in found for post in watching.here(index)}
    true = {name for name, post in posts.items() if traits_of(watching.simulator.world, post).hides_likes}
    assert hidden == true
    assert hidden
    some = next(one for one in found.values() if isinstance(one, PublicSnapshot) and one.hidden)
    assert set(some.hidden.values()) == {frozenset({"likes"})}


def test_subscribers_are_rounded_down_to_three_digits(watching: Watching) -> None:
    followers = watching.snapshot(OTHERS[0]).levels["followers"]
    assert len(str(followers).rstrip("0")) <= 3


def test_without_a_key_the_route_is_off(simulator: Simulator) -> None:
    watching = Watching(simulator, "youtube", youtube_api_key=None)
    found = watching.read(*OTHERS)
    assert {one.state for one in found.values() if isinstance(one, Refusal)} == {"off"}
    assert watching.resolve("@nobody")["@nobody"] == found[OTHERS[0]]
    assert watching.tally.requests == 0


def test_refused_key_turns_the_route_off_with_one_call(simulator: Simulator) -> None:
    watching = Watching(simulator, "youtube", youtube_api_key="wrong")
    found = watching.read(*OTHERS)
    assert {one.state for one in found.values() if isinstance(one, Refusal)} == {"off"}
    assert all("TIDEMARK_YOUTUBE_API_KEY" in one.reason for one in found.values() if isinstance(one, Refusal))


def test_second_reading_reads_what_is_due_without_the_list(watching: Watching) -> None:
    account = watching.watched(OTHERS[0])
    first = watching.reader.read([account], None, Tally())[account.key]
    assert isinstance(first, PublicSnapshot)
    again = watching.watched(OTHERS[0], *(post for post, _ in first.posts), memory=account.wanted.memory)
    lists = watching.simulator.calls()["byKind"]["playlistItems"]
    second = watching.reader.read([again], None, Tally())[again.key]
    assert isinstance(second, PublicSnapshot)
    assert len(second.posts) == len(first.posts)
    assert watching.simulator.calls()["byKind"]["playlistItems"] == lists


def test_handle_is_resolved_without_regard_to_case(watching: Watching) -> None:
    account = watching.account(OTHERS[0])
    key = f"@{account.handle.upper()}"
    assert watching.resolve(key)[key] == Resolved(account.platform_account_id, account.handle)
