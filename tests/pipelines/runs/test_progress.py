"""Progress: a log line every few seconds, and one at the end."""

from pipelines.runs.progress import Progress


def test_progress_is_said_every_few_seconds_with_an_estimate_and_at_the_end() -> None:
    lines: list[str] = []
    now = 0.0
    progress = Progress(10, lines.append, lambda: now)
    for number in range(1, 11):
        now = 2.0 * number
        progress.step(f"day {number}")
    assert lines == [
        "3 of 10 partitions (30 %), about 14 s left; day 3",
        "6 of 10 partitions (60 %), about 8 s left; day 6",
        "9 of 10 partitions (90 %), about 2 s left; day 9",
        "10 of 10 partitions (100 %) after 20 s; day 10",
    ]
