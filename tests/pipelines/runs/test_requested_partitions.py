"""Requested partitions: the same as Dagster lists, and an error that says what to do if they are invalid."""

from datetime import UTC, datetime

import dagster as dg
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.errors import InvalidInput
from metrics.periods import PERIODS, Period
from pipelines.assets.rollups import rollup_asset
from pipelines.partitions import HOURS, ROLLUPS
from pipelines.runs.requested_partitions import HOURLY, Grain, grain_of, requested_starts
from pipelines.runs.tags import PARTITION, RANGE_END, RANGE_START
from tests.pipelines.deployment import Deployment, materialized

NOW = datetime(2024, 7, 3, 12, 20, tzinfo=UTC)
GRAINS: dict[str, tuple[Grain, dg.TimeWindowPartitionsDefinition]] = {
    "hour": (HOURLY, HOURS), **{period: (grain_of(period), ROLLUPS[period]) for period in PERIODS}
}  # fmt: skip


@hypothesis.settings(deadline=None)
@given(st.sampled_from(sorted(GRAINS)), st.data())
def test_a_range_is_what_dagster_takes_it_for(name: str, data: st.DataObject) -> None:
    grain, partitions = GRAINS[name]
    keys = partitions.get_partition_keys(current_time=NOW)
    first = data.draw(st.integers(0, len(keys) - 1))
    last = data.draw(st.integers(first, min(first + 40, len(keys) - 1)))
    starts = requested_starts({RANGE_START: keys[first], RANGE_END: keys[last]}, grain, NOW)
    assert [grain.key(start) for start in starts] == list(keys[first : last + 1])


@pytest.mark.parametrize(
    ("period", "keys", "remedy"),
    [
        ("daily", ["2024-07-04"], "2024-07-04 has not begun: the newest daily period is 2024-07-03"),
        ("daily", ["2023-12-31"], "2023-12-31 lies before the first daily period, which starts on 2024-01-01"),
        ("daily", ["yesterday"], "yesterday is no daily period: write it as 2024-07-03"),
        ("daily", ["2024-06-20", "2024-06-18"], "the range is reversed: launch again from 2024-06-18 to 2024-06-20"),
        ("weekly", ["2024-06-25"], "no weekly period starts at 2024-06-25: the one around it is 2024-06-24"),
        ("monthly", [], "no partition was chosen: launch again with one, such as 2024-07-01"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(period: Period, keys: list[str], remedy: str) -> None:
    tags = dict(zip((RANGE_START, RANGE_END) if len(keys) == 2 else (PARTITION,), keys, strict=False))
    with pytest.raises(InvalidInput, match=remedy):
        requested_starts(tags, grain_of(period), NOW)


def test_hour_to_come_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the newest hour is 2024-07-03-12:00"):
        requested_starts({PARTITION: "2024-07-03-13:00"}, HOURLY, NOW)


def test_refused_run_fails_once_with_the_remedy_and_writes_nothing(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    deployment.connect(0)
    result = deployment.materialize(rollup_asset("daily"), ["2024-06-20", "2024-06-18"], instance)
    failure = result.failure_data_for_node("daily_rollup")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "launch again from 2024-06-18 to 2024-06-20" in (failure.user_failure_data.description or "")
    assert materialized(result) == {}
    assert deployment.clients.store.rollups.accounts.count_documents({}) == 0
