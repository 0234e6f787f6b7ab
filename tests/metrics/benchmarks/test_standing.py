"""Where own accounts stand: never in their own distribution, and what is left out is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.benchmarks.catalog import BenchmarkMetric
from metrics.benchmarks.numbers import NumberReason, Numbers
from metrics.benchmarks.standing import LEAST_COVERAGE, AccountNumbers, compare, shares

METRIC: BenchmarkMetric = "engagementPerPost"


def account(
    name: str,
    value: float | None,
    *,
    own: bool = False,
    days: int = 7,
    reason: NumberReason | None = None,
    hand: bool = False,
) -> AccountNumbers:
    """Return an account that was observed on so many of seven days."""
    values: dict[BenchmarkMetric, float] = {} if value is None else {METRIC: value}
    unavailable: dict[BenchmarkMetric, NumberReason] = {} if reason is None else {METRIC: reason}
    return AccountNumbers(name, f"a-{name}" if own else None, days, 7, Numbers(values, unavailable), hand)


ACCOUNTS = st.lists(
    st.tuples(st.one_of(st.none(), st.floats(0, 1e6)), st.booleans(), st.integers(0, 7), st.booleans()),
    max_size=30,
).map(lambda rows: [account(f"w{n}", *row[:1], own=row[1], days=row[2], hand=row[3]) for n, row in enumerate(rows)])


@given(ACCOUNTS)
def test_distributions_and_standings_are_those_of_a_reference(accounts: list[AccountNumbers]) -> None:
    found = compare(METRIC, accounts)
    usable = [
        one for one in accounts
        if METRIC in one.numbers.values and one.observed / one.expected >= LEAST_COVERAGE and not one.entered_by_hand
    ]  # fmt: skip
    others = [one.numbers.values[METRIC] for one in usable if one.own is None]
    assert found.n == len(others)
    assert found.left_out.keys() == {one.watched_id for one in accounts} - {one.watched_id for one in usable}
    assert {one.watched_id for one in found.standings} == {one.watched_id for one in usable if one.own is not None}
    if len(others) < 5:
        assert found.unavailable == "too_few"
        assert all(one.percentile_rank is None and one.gap_to_median is None for one in found.standings)
        return
    assert found.quartiles == pytest.approx(tuple(np.quantile(others, (0.25, 0.5, 0.75))))
    for one in found.standings:
        assert one.gap_to_median == pytest.approx(one.value - np.median(others))
        below = np.mean([(value < one.value) + (value == one.value) / 2 for value in others])
        assert one.percentile_rank == pytest.approx(100 * below)


@given(ACCOUNTS, st.floats(0, 1e6))
def test_an_own_account_changes_no_distribution(accounts: list[AccountNumbers], value: float) -> None:
    before, after = compare(METRIC, accounts), compare(METRIC, [*accounts, account("mine", value, own=True)])
    assert (after.n, after.quartiles) == (before.n, before.quartiles)
    assert after.standings[:-1] == before.standings


def test_what_is_left_out_has_its_reason() -> None:
    found = compare(
        METRIC,
        [
            account("gaps", 5, days=5),
            account("hidden", None, reason="rounded"),
            account("silent", None),
            account("typed", 5, hand=True),
            account("seen", 5),
        ],
    )
    assert found.left_out == {
        "gaps": "low_coverage",
        "hidden": "rounded",
        "silent": "no_observation",
        "typed": "manual",
    }
    assert found.n == 1


def test_six_of_seven_days_are_enough_and_five_are_not() -> None:
    assert account("w", 1, days=6).reason(METRIC) is None
    assert account("w", 1, days=5).reason(METRIC) == "low_coverage"


@given(ACCOUNTS)
def test_shares_add_up_to_the_whole(accounts: list[AccountNumbers]) -> None:
    found = shares(accounts, METRIC)
    assert not found or sum(found.values()) == pytest.approx(100)
    assert all(0 <= share <= 100 + 1e-9 for share in found.values())


def test_shares_of_nothing_are_none() -> None:
    assert shares([account("w", 0), account("v", 0)], METRIC) == {}
    assert shares([account("w", 3), account("v", -1), account("u", 1, days=1)], METRIC) == {"w": 100, "v": 0}


@given(ACCOUNTS)
def test_terms_allow_no_quantiles_and_no_ranks(accounts: list[AccountNumbers]) -> None:
    found = compare(METRIC, accounts, may_aggregate=False)
    assert (found.quartiles, found.unavailable) == (None, "terms")
    assert all(one.percentile_rank is None and one.gap_to_median is None for one in found.standings)
