"""The small plot of a partition's metadata."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipelines.runs.trends import COMPLETE, Plotted, hours_before, line, periods_before, sparkline, windows_before


@given(st.lists(st.none() | st.floats(0, 100)))
def test_a_character_per_partition_and_a_dot_for_the_unknown_alone(values: list[float | None]) -> None:
    drawn = sparkline(values)
    assert [bar == "·" for bar in drawn] == [value is None for value in values]


def test_highest_bar_is_the_top_or_the_greatest_number_of_the_line() -> None:
    assert sparkline([0.5, None, 2, 9], 2) == "▃·██"
    errors = line([None, 0.5, 0.25], Plotted("due_error", ""), "error")
    assert errors is not None
    assert errors.value == "`·█▅` error, the newest on the right: 0.25; from 0.25 to 0.5"
    nothing = line([0.0], Plotted("due_error", ""), "error")
    assert nothing is not None, "an error of nothing is a number"
    assert nothing.value == "`▁` error, the newest on the right: 0; from 0 to 0"
    percent = line([50.0], COMPLETE, "observed")
    assert percent is not None
    assert percent.value == "`▅` observed, the newest on the right: 50 %"
    assert line([None, None], COMPLETE, "observed") is None


def test_partitions_before_are_listed_oldest_first_over_the_edge_of_a_year() -> None:
    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    assert hours_before(new_year)[0] == "2025-12-31-01:00"
    assert hours_before(new_year)[-1] == "2025-12-31-23:00"
    assert (windows_before(new_year)[0], windows_before(new_year)[-1]) == ("2025-12-25-06:00", "2025-12-31-18:00")
    assert periods_before("monthly", new_year)[-2:] == ["2025-11-01", "2025-12-01"]
    assert periods_before("weekly", datetime(2026, 1, 5, tzinfo=UTC))[-1] == "2025-12-29"
