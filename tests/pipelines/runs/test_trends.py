"""The small plot of a partition's metadata."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipelines.runs.trends import hours_before, periods_before, sparkline


@given(st.lists(st.none() | st.floats(0, 100)))
def test_a_character_per_partition_and_a_dot_for_the_unknown_alone(values: list[float | None]) -> None:
    drawn = sparkline(values)
    assert [bar == "·" for bar in drawn] == [value is None for value in values]


def test_partitions_before_are_listed_oldest_first_over_the_edge_of_a_year() -> None:
    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    assert hours_before(new_year)[0] == "2025-12-31-01:00"
    assert hours_before(new_year)[-1] == "2025-12-31-23:00"
    assert periods_before("monthly", new_year)[-2:] == ["2025-11-01", "2025-12-01"]
    assert periods_before("weekly", datetime(2026, 1, 5, tzinfo=UTC))[-1] == "2025-12-29"
