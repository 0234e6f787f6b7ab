"""Late data: exactly the marked periods are rolled up, days before weeks and months."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from metrics.periods import Period
from metrics.store.rollup.roll_marks import Pending
from pipelines.runs.due_periods import due_marks, next_due, run_key

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def pending(
    *starts: datetime, touched: int = 1, workspaces: tuple[str, ...] = ("w",), minutes: int = 1
) -> list[Pending]:
    """Marks of workspaces that were made some minutes ago."""
    return [Pending(start, dict.fromkeys(workspaces, NOW - timedelta(minutes=minutes)), touched) for start in starts]


def starts(marks: Mapping[Period, Sequence[Pending]]) -> dict[Period, list[datetime]]:
    return {period: [mark.start for mark in some] for period, some in marks.items()}


def in_order(marks: Mapping[Period, Sequence[Pending]], now: datetime = NOW) -> list[tuple[Period, datetime]]:
    """The periods that a run rolls up, in order, if nothing else is marked meanwhile."""
    found: list[tuple[Period, datetime]] = []
    while one := next_due(marks, now, besides=found):
        found.append((one[0], one[1].start))
    return found


def test_nothing_marked_asks_for_nothing() -> None:
    assert due_marks({}, [], NOW) == {}
    assert next_due({}, NOW) is None


def test_week_and_month_wait_for_their_days() -> None:
    marks: dict[Period, list[Pending]] = {
        "daily": pending(day(3, 3)),
        "weekly": pending(day(3, 2), day(3, 9)),
        "monthly": pending(day(3, 1)),
    }
    assert starts(due_marks(marks, [], NOW)) == {"daily": [day(3, 3)], "weekly": [day(3, 9)]}
    del marks["daily"]
    assert starts(due_marks(marks, [], NOW)) == {"weekly": [day(3, 2), day(3, 9)], "monthly": [day(3, 1)]}


def test_grain_with_a_run_of_its_own_waits_and_days_hold_back_the_rest() -> None:
    marks: dict[Period, list[Pending]] = {"weekly": pending(day(3, 2)), "monthly": pending(day(3, 1))}
    assert starts(due_marks(marks, ["weekly"], NOW)) == {"monthly": [day(3, 1)]}
    assert due_marks(marks, ["daily"], NOW) == {}


def test_same_marks_have_the_same_key_and_further_ones_another() -> None:
    first, again = (run_key({"daily": pending(day(3, 1))}) for _ in range(2))
    assert first == again != run_key({"daily": pending(day(3, 1), touched=2)})
    assert run_key({"daily": pending(day(3, 1), workspaces=("v",))}) != first


def test_periods_without_a_partition_are_left_alone() -> None:
    marks = pending(datetime(2023, 12, 31, tzinfo=UTC), day(3, 22))
    assert due_marks({"daily": marks}, [], NOW) == {}


def test_day_under_way_comes_before_older_ones_and_days_before_what_they_change() -> None:
    marks: dict[Period, list[Pending]] = {
        "daily": pending(day(3, 1), day(3, 20)),
        "weekly": pending(day(3, 9)),
        "monthly": pending(day(2, 1)),
    }
    assert in_order(marks) == [
        ("daily", day(3, 20)),
        ("daily", day(3, 1)),
        ("weekly", day(3, 9)),
        ("monthly", day(2, 1)),
    ]


def test_week_that_waited_too_long_comes_before_any_number_of_days() -> None:
    marks: dict[Period, list[Pending]] = {"daily": pending(day(3, 3)), "weekly": pending(day(3, 2), minutes=15)}
    assert in_order(due_marks(marks, [], NOW)) == [("weekly", day(3, 2)), ("daily", day(3, 3))]


def test_week_waits_for_days_of_its_own_workspace_alone() -> None:
    marks: dict[Period, list[Pending]] = {
        "daily": pending(day(3, 3), workspaces=("busy",)),
        "weekly": pending(day(3, 2), workspaces=("busy", "quiet")),
        "monthly": pending(day(3, 1), workspaces=("busy", "quiet")),
    }
    found = due_marks(marks, [], NOW)
    assert {period: [mark.workspaces for mark in some] for period, some in found.items()} == {
        "daily": [("busy",)],
        "weekly": [("quiet",)],
        "monthly": [("quiet",)],
    }


def test_nothing_waits_for_longer_than_a_quarter_of_an_hour() -> None:
    rolled: list[Period]
    for minutes, rolled in ((14, []), (15, ["weekly", "monthly"])):  # type: ignore[assignment]
        marks: dict[Period, list[Pending]] = {
            "daily": pending(day(3, 3), minutes=minutes),
            "weekly": pending(day(3, 2), minutes=minutes),
            "monthly": pending(day(3, 1), minutes=minutes),
        }
        assert [p for p in due_marks(marks, [], NOW) if p != "daily"] == rolled
        assert [p for p in due_marks(marks, ["daily", "weekly", "monthly"], NOW) if p != "daily"] == rolled
