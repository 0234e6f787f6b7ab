"""Every account is in exactly one shard, for any number of shards."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.collect.shards import Shard, shards_of

IDS = st.lists(st.text(min_size=1, max_size=40), unique=True, max_size=50)


@given(IDS, st.integers(1, 1024))
def test_shards_share_the_accounts_without_rest_or_overlap(accounts: list[str], of: int) -> None:
    shards = shards_of(accounts, of)
    assert sorted(one for shard in shards for one in accounts if shard.holds(one)) == sorted(accounts)
    assert shards
    assert len(shards) <= max(len(accounts), 1)


@given(st.integers(1, 1024).flatmap(lambda of: st.tuples(st.just(of), st.integers(0, of - 1))))
def test_name_says_which_shard_of_how_many(numbers: tuple[int, int]) -> None:
    assert Shard.parse(Shard(*numbers).name) == Shard(*numbers)


def test_shards_are_stable_and_even() -> None:
    counts = [0] * 4
    for index in range(4000):
        counts[Shard.of_account(f"account-{index}", 4).index] += 1
    assert all(900 < count < 1100 for count in counts)
    assert [Shard.of_account(one, 8).index for one in "abc"] == [2, 2, 2]
    assert Shard(8, 2).name == "3_of_8"
