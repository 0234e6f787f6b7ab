"""The rounds in which accounts that failed in the newest hour are retried."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import HOUR
from pipelines.runs.retry import ROUNDS, round_due

END = datetime(2024, 7, 1, 12, tzinfo=UTC)
GRACE = timedelta(minutes=60)


def numbers(salt: str, grace: timedelta = GRACE) -> list[int]:
    """The rounds that evaluations every ten seconds of an hour find, each once."""
    evaluations = (round_due(END + timedelta(seconds=10 * n), grace, salt) for n in range(360))
    return list(dict.fromkeys(one.number for one in evaluations if one))


@given(st.text(max_size=20))
def test_there_are_three_rounds_within_an_hour_each_about_its_time(salt: str) -> None:
    assert numbers(salt) == [1, 2, 3]
    for number, after in enumerate(ROUNDS, start=1):
        assert (round_due(END + after - timedelta(seconds=1), GRACE, salt) or _NONE).number < number
        one = round_due(END + after + timedelta(seconds=60), GRACE, salt)
        assert one is not None
        assert (one.number, one.slot) == (number, END - HOUR)
        assert after <= one.at - END <= after + timedelta(seconds=60)


def test_no_round_begins_when_levels_may_no_longer_be_read() -> None:
    assert numbers("", timedelta(minutes=20)) == [1, 2]
    assert numbers("", timedelta(0)) == []


def test_deployments_do_not_call_in_the_same_second() -> None:
    due = [round_due(END + timedelta(minutes=7), GRACE, str(n)) for n in range(50)]
    assert len({one.at for one in due if one}) > 20


class _NONE:
    number = 0
