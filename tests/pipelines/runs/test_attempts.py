"""Attempts: at once, then after growing waits, and never while another one is unfinished."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from pipelines.runs.attempts import Attempts, attempts

NOW = datetime(2024, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "minutes_ago", "due"),
    [(0, None, 0), (1, None, None), (1, 1, None), (1, 2, 1), (3, 7, None), (3, 8, 3), (50, 63, None), (50, 64, 50)],
)
def test_waits_double_up_to_an_hour(count: int, minutes_ago: int | None, due: int | None) -> None:
    ended = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    assert Attempts(count, ended).next(NOW) == due


def test_attempts_are_counted_by_tag_without_a_bound() -> None:
    @dg.job
    def nothing() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(25):
            nothing.execute_in_process(instance=instance, tags={"tidemark/late": "x"})
        assert attempts(instance, "tidemark/late", "x").count == 25
        assert attempts(instance, "tidemark/late", "y") == Attempts(0, None)
