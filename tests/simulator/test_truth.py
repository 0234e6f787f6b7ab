"""True values: the same in every process, plausible, and falling at times."""

import itertools
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.documents import Platform
from simulator import truth
from simulator.instagram.media_insights import media_metrics
from simulator.registry import new_world
from simulator.world import EPOCH, SimPost

WORLD = new_world()
SCRIPT = """
from datetime import datetime, timedelta, UTC
from metrics.documents import Platform
from simulator import truth
from simulator.registry import new_world
world = new_world(7)
account = world.account("instagram", 5)
now = datetime(2026, 6, 1, tzinfo=UTC)
posts = world.posts(account, now - timedelta(days=9), now)
followers = truth.account_value(world, account, "followers_count", now)
print(followers, [truth.post_value(world, p, "likes", now) for p in posts])
"""

instants = st.datetimes(datetime(2026, 2, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@st.composite
def posts(draw: st.DrawFn) -> SimPost:
    account = WORLD.account("instagram", draw(st.integers(0, 999_999)))
    start = EPOCH + timedelta(days=draw(st.integers(0, 300)))
    return draw(st.sampled_from(WORLD.posts(account, start, start + timedelta(days=20))))


@given(posts(), st.lists(st.floats(0, 40 * 86_400), min_size=1, max_size=12))
def test_value_does_not_depend_on_the_instants_that_were_requested_before(post: SimPost, ages: list[float]) -> None:
    names = [*media_metrics(post), "views"]
    # Many instants lie between two changes of a counter, where the values of before are remembered.
    seconds = sorted([*ages, *(age + more for age in ages for more in (0.001, 1, 20, 600))])
    for age in [*seconds, seconds[0]]:
        now = post.published_at + timedelta(seconds=age)
        assert truth.post_values(WORLD, post, names, now) == truth.post_values(new_world(), post, names, now)


@given(posts(), st.integers(0, 90 * 24))
def test_counters_are_whole_numbers_of_plausible_size(post: SimPost, hours: int) -> None:
    now = post.published_at + timedelta(hours=hours)
    values = {name: truth.post_value(WORLD, post, name, now) for name in media_metrics(post)}
    assert all(type(value) is int and value >= 0 for value in values.values())
    assert values["reach"] <= truth.post_value(WORLD, post, "views", now)
    assert values.get("likes", 0) <= truth.post_value(WORLD, post, "views", now)


@given(posts())
def test_nothing_is_counted_before_publication(post: SimPost) -> None:
    assert truth.post_value(WORLD, post, "views", post.published_at - timedelta(seconds=1)) == 0


@given(posts(), st.integers(0, 1000), st.integers(1, 1000))
def test_views_never_fall(post: SimPost, hours: int, more: int) -> None:
    early = post.published_at + timedelta(hours=hours)
    late = early + timedelta(hours=more)
    assert truth.post_value(WORLD, post, "views", early) <= truth.post_value(WORLD, post, "views", late)


@given(st.integers(0, 999_999), instants)
def test_followers_move_slowly(index: int, now: datetime) -> None:
    account = WORLD.account("instagram", index)
    today, tomorrow = (truth.account_value(WORLD, account, "followers_count", now + timedelta(days=d)) for d in (0, 1))
    assert today > 0
    assert abs(tomorrow - today) <= 2 + today * 0.03


@given(
    st.integers(0, 999_999),
    st.dates(date(2026, 2, 1), date(2026, 12, 1)),
    st.sampled_from([("instagram", "reach"), ("instagram", "accounts_engaged"),
                     ("facebook", "page_total_media_view_unique")]),
)  # fmt: skip
def test_people_of_a_period_lie_between_its_best_day_and_the_sum(
    index: int, day: date, unique: tuple[Platform, str]
) -> None:
    platform, field = unique
    account = WORLD.account(platform, index)
    days = [truth.day_value(WORLD, account, field, day - timedelta(days=back)) for back in range(28)]
    week, month = (truth.period_value(WORLD, account, field, day, count) for count in (7, 28))
    assert max(days[:7]) <= week <= sum(days[:7])
    assert max(week, *days) <= month <= sum(days)


def test_other_amounts_of_a_period_are_sums() -> None:
    account = WORLD.account("instagram", 0)
    days = [truth.day_value(WORLD, account, "views", date(2026, 5, day)) for day in range(1, 8)]
    assert truth.week_value(WORLD, account, "views", date(2026, 5, 7)) == sum(days)


def test_likes_and_followers_fall_at_times() -> None:
    account = WORLD.account("instagram", 3)
    start = EPOCH + timedelta(days=60)
    hours = [start + timedelta(hours=n) for n in range(24 * 14)]
    followers = [truth.account_value(WORLD, account, "followers_count", now) for now in hours]
    likes = [
        [truth.post_value(WORLD, post, "likes", now) for now in hours]
        for post in WORLD.posts(account, start - timedelta(days=5), start)
    ]
    assert any(b < a for a, b in itertools.pairwise(followers))
    assert any(b < a for series in likes for a, b in itertools.pairwise(series))


def test_another_process_knows_the_same_truth() -> None:
    runs = {
        subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert "[" in runs.pop()


def test_seeds_differ() -> None:
    worlds = [new_world(seed) for seed in range(5)]
    now = EPOCH + timedelta(days=90)
    values = {truth.account_value(w, w.account("instagram", 0), "followers_count", now) for w in worlds}
    assert len(values) == 5


@pytest.mark.parametrize("ask", [truth.account_value, truth.day_value])
def test_unknown_field_is_refused(ask: object) -> None:
    with pytest.raises(KeyError):
        ask(WORLD, WORLD.account("instagram", 0), "nonsense", EPOCH)  # type: ignore[operator]


@given(posts())
def test_a_post_is_found_by_its_id(post: SimPost) -> None:
    assert WORLD.post(post.platform, post.platform_post_id) == post


@given(st.integers(0, 999_999))
def test_an_account_is_found_by_id_and_by_token(index: int) -> None:
    account = WORLD.account("instagram", index)
    assert WORLD.find(account.platform, account.platform_account_id) == account
    assert WORLD.of_token(account.token) == account
    assert WORLD.of_token(account.token + "0") is None


def test_accounts_that_publish_less_have_some_of_the_same_posts_with_the_same_numbers() -> None:
    quiet, now = new_world(posting=0.2), EPOCH + timedelta(days=200)
    account = quiet.account("instagram", 3)
    few, usual = (set(world.posts(world.account("instagram", 3), EPOCH, now)) for world in (quiet, WORLD))
    assert few < usual
    assert 0.1 < len(few) / len(usual) < 0.3
    assert quiet.post_count(account, now) < WORLD.post_count(account, now)
    assert all(truth.post_value(quiet, p, "likes", now) == truth.post_value(WORLD, p, "likes", now) for p in few)
