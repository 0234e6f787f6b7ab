"""The command `tidemark insights evaluate`: how often forecasts and other statements were right, on one's own data."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat, utcnow
from metrics.errors import InvalidInput
from metrics.ids import check_id
from metrics.periods import midnight
from tidemark.arguments import check_workspace
from tidemark.commands.console import print_json, print_line, print_table, progress
from tidemark.commands.stores import open_store

if TYPE_CHECKING:
    from pipelines.insights.evaluation.evaluate import Evaluation

app = typer.Typer(no_args_is_help=True, help="What is forecast and found: how often it was right.")

_DAYS = 90
_LONGEST = timedelta(days=400)
_WANTED = "Wanted: 76 to 86 % and 91 to 98 % inside."
_SECTIONS: Mapping[str, tuple[str, str]] = {
    "forecasts": (
        "Forecasts of days that came due",
        f"{_WANTED} The unit of errors is the usual difference of days a week apart; skill is what they are smaller.",
    ),
    "hourlyForecasts": (
        "Forecasts of hours that came due",
        f"{_WANTED} The unit of errors is the usual difference of hours a day apart; skill is what they are smaller.",
    ),
    "outlooks": (
        "Outlooks of posts that came due, by the age at which they were said",
        _WANTED,
    ),
    "anomalies": (
        "Anomalies that began in this time",
        "Wanted by hour: at most the alarm budget per week and series, 0.25 unless the workspace has its own.",
    ),
    "bestTimes": (
        "Posts in the three best slots of the claim that held when they were published",
        "Wanted: realised within 10 points of claimed.",
    ),
    "halfLives": (
        "Half-lives of posts that were published after they were said",
        "Wanted: a half between the quartiles, and a half faster than the median.",
    ),
}
_FORECASTS = (
    ("came due", "points", "count"), ("inside 80 %", "inside80", "share"), ("inside 95 %", "inside95", "share"),
    ("error", "error", "number"), ("of seasonal naive", "naive", "number"), ("skill", "skill", "signed"),
)  # fmt: skip
_COLUMNS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "forecasts": (("metric", "metric", "text"), ("days ahead", "ahead", "text"), *_FORECASTS),
    "hourlyForecasts": (("metric", "metric", "text"), ("hours ahead", "ahead", "text"), *_FORECASTS),
    "outlooks": (
        ("age in hours", "age", "age"), ("posts", "posts", "count"), ("median error", "medianError", "error"),
        ("inside 80 %", "inside80", "share"), ("inside 95 %", "inside95", "share"),
    ),
    "anomalies": (
        ("by", "grain", "text"), ("kind", "kind", "text"), ("found", "anomalies", "count"), ("open", "open", "count"),
        ("ended", "ended", "count"), ("withdrawn", "withdrawn", "share"), ("acknowledged", "acknowledged", "share"),
        ("per week and series", "perWeekAndSeries", "number"),
    ),
    "bestTimes": (
        ("type", "metricType", "text"), ("accounts", "accounts", "count"), ("posts", "posts", "count"),
        ("claimed", "claimed", "signed"), ("realised", "realised", "signed"),
    ),
    "halfLives": (
        ("type", "metricType", "text"), ("accounts", "accounts", "count"), ("posts", "posts", "count"),
        ("between the quartiles", "betweenQuartiles", "share"), ("faster than the median", "faster", "share"),
    ),
}  # fmt: skip
"""The columns of each table: the heading, the field, and how it is written."""


@app.callback()
def _insights() -> None:
    """Keep `evaluate` a command of a group."""


@app.command(epilog="Example: tidemark insights evaluate --workspace demo-north --since 2026-01-01")
def evaluate(
    workspace: Annotated[str | None, typer.Option(help="Only this workspace; without it, all.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="What came due from this day on; without it, of 90 days.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print how often forecasts, outlooks, anomalies, best times and half-lives were right.

    Only what was said and what was rolled up is read. Where nothing came due, a sentence says so.
    """
    if workspace is not None:
        check_id(workspace, "--workspace")
    now = utcnow()
    first = midnight(_day(since, now.date()) if since is not None else now.date() - timedelta(days=_DAYS))
    with open_store() as (store, _), progress("evaluating") as show:
        # NumPy is imported after the store is opened, so that an unreachable store is reported at once.
        from pipelines.insights.evaluation.evaluate import evaluate as evaluated

        workspaces = store.accounts.workspaces()
        if workspace is not None:
            check_workspace(store, workspace)
            workspaces = [workspace]
        found = evaluated(store, workspaces, first, now, show)
    if as_json:
        print_json({**found, "since": isoformat(found["since"]), "until": isoformat(found["until"])})
        return
    _show(found)


def _show(found: "Evaluation") -> None:
    for section, (title, wanted) in _SECTIONS.items():
        print_line(f"{title}, since {found['since']:%Y-%m-%d}")
        if section == "bestTimes" and found["bestTimesSaid"]:
            said = ", ".join(f"{count} {outcome}" for outcome, count in found["bestTimesSaid"].items())
            print_line(f"Statements in this time: {said}.")
        if section in found["unavailable"]:
            print_line(found["unavailable"][section])
        else:
            columns, rows = _COLUMNS[section], found[section]  # type: ignore[literal-required]
            print_table(
                [heading for heading, _, _ in columns],
                [[_written(row.get(field), style) for _, field, style in columns] for row in rows],
            )
            print_line(wanted)
        print_line("")


def _written(value: Any, style: str) -> str:
    """Return a cell; what is not known is empty."""
    if value is None:
        return ""
    if style == "error" and value >= 10:
        return "over 1,000 %"
    styles = {
        "share": "{:.1%}",
        "error": "{:.1%}",
        "signed": "{:+.1%}",
        "count": "{:,}",
        "number": "{:.3f}",
        "age": "{:g}",
    }
    return styles.get(style, "{}").format(value).replace("%", " %")


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else None
    except ValueError:
        day = None
    if day is None:
        raise InvalidInput("--since: give a date of the calendar as YYYY-MM-DD", "--since")
    if day >= today:
        raise InvalidInput(f"--since: {text} has not ended: nothing can have come due since then", "--since")
    if today - day > _LONGEST:
        raise InvalidInput(f"--since: {text} is too long ago: statements are kept for 400 days at most", "--since")
    return day
