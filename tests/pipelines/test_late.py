"""Late data: exactly the marked periods, days before weeks and months, one run per row of them."""

from datetime import UTC, datetime, timedelta

from metrics.store.marks import Pending
from pipelines.late import Roll, due, runs_to_request

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def pending(
    *starts: datetime, touched: int = 1, workspaces: tuple[str, ...] = ("w",), minutes: int = 1
) -> list[Pending]:
    """Marks of workspaces that were made some minutes ago."""
    return [Pending(start, dict.fromkeys(workspaces, NOW - timedelta(minutes=minutes)), touched) for start in starts]


def spans(rolls: list[Roll]) -> list[tuple[str, datetime, datetime]]:
    return [(roll.period, roll.first, roll.last) for roll in rolls]


def test_nothing_marked_asks_for_nothing() -> None:
    assert runs_to_request({}, [], NOW) == []


def test_consecutive_days_are_one_run() -> None:
    rolls = runs_to_request({"daily": pending(day(3, 1), day(3, 2), day(2, 10))}, [], NOW)
    assert spans(rolls) == [("daily", day(2, 10), day(2, 10)), ("daily", day(3, 1), day(3, 2))]


def test_week_and_month_wait_for_their_days() -> None:
    marks = {"daily": pending(day(3, 3)), "weekly": pending(day(3, 2), day(3, 9)), "monthly": pending(day(3, 1))}
    assert spans(runs_to_request(marks, [], NOW)) == [  # type: ignore[arg-type]
        ("daily", day(3, 3), day(3, 3)),
        ("weekly", day(3, 9), day(3, 9)),
    ]
    del marks["daily"]
    assert [roll.period for roll in runs_to_request(marks, [], NOW)] == ["weekly", "monthly"]  # type: ignore[arg-type]


def test_a_grain_with_a_run_under_way_waits_and_days_hold_back_the_rest() -> None:
    marks = {"weekly": pending(day(3, 2)), "monthly": pending(day(3, 1))}
    assert [roll.period for roll in runs_to_request(marks, ["weekly"], NOW)] == ["monthly"]  # type: ignore[arg-type]
    assert runs_to_request(marks, ["daily"], NOW) == []  # type: ignore[arg-type]


def test_same_marks_have_the_same_key_and_further_ones_another() -> None:
    first, again = (runs_to_request({"daily": pending(day(3, 1))}, [], NOW) for _ in range(2))
    more = runs_to_request({"daily": pending(day(3, 1), touched=2)}, [], NOW)
    assert first[0].run_key == again[0].run_key != more[0].run_key


def test_periods_without_a_partition_are_left_alone() -> None:
    marks = pending(datetime(2023, 12, 31, tzinfo=UTC), day(3, 21))
    assert runs_to_request({"daily": marks}, [], NOW) == []


def test_week_waits_for_days_of_its_own_workspace_alone() -> None:
    marks = {
        "daily": pending(day(3, 3), workspaces=("busy",)),
        "weekly": pending(day(3, 2), workspaces=("busy", "quiet")),
        "monthly": pending(day(3, 1), workspaces=("busy", "quiet")),
    }
    found = due(marks, [], NOW)  # type: ignore[arg-type]
    assert {period: [mark.workspaces for mark in some] for period, some in found.items()} == {
        "daily": [("busy",)],
        "weekly": [("quiet",)],
        "monthly": [("quiet",)],
    }


def test_nothing_waits_for_longer_than_a_quarter_of_an_hour() -> None:
    for minutes, rolled in ((14, []), (15, ["weekly", "monthly"])):
        marks = {
            "daily": pending(day(3, 3), minutes=minutes),
            "weekly": pending(day(3, 2), minutes=minutes),
            "monthly": pending(day(3, 1), minutes=minutes),
        }
        assert [p for p in due(marks, [], NOW) if p != "daily"] == rolled  # type: ignore[arg-type]
        assert [p for p in due(marks, ["daily", "weekly", "monthly"], NOW) if p != "daily"] == rolled  # type: ignore[arg-type]
