"""The commands `tidemark calendar`: where the days, weeks and fiscal years of workspaces begin."""

from typing import Annotated, Any

import typer

from tidemark.arguments import Json, Workspace, check_workspace
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_store

app = typer.Typer(
    no_args_is_help=True,
    help="The calendar of a workspace: its time zone, first day of weeks, fiscal year, and country: show, set.",
)


@app.command(epilog="Example: tidemark calendar show demo-north")
def show(workspace: Workspace, as_json: Json = False) -> None:
    """Show the calendar of a workspace, the one that is being prepared, and former ones that still answer."""
    with open_store() as (store, _):
        check_workspace(store, workspace)
        known, country = store.calendars.get(workspace), store.calendars.country(workspace)
    rows: list[dict[str, Any]] = [{"use": "current", **known.current.described(), "version": known.current.version}]
    if known.upcoming is not None:
        rows.append({"use": "upcoming", **known.upcoming.described(), "version": known.upcoming.version})
    rows += [
        {"use": f"until {one.until:%Y-%m-%d %H:%M}Z", **one.calendar.described(), "version": one.calendar.version}
        for one in known.former
    ]
    if as_json:
        print_json([{**rows[0], "country": country}, *rows[1:]])
        return
    names = ("use", "time zone", "week start", "fiscal year start", "fiscal pattern", "version")
    print_table(names, [tuple(map(str, row.values())) for row in rows])
    if country is not None:
        print_line(f"holidays: {country}")


@app.command("set", epilog="Example: tidemark calendar set demo-north --time-zone America/New_York --week-start sunday")
def set_calendar(
    workspace: Workspace,
    time_zone: Annotated[str | None, typer.Option(help="An IANA name such as Europe/Berlin.")] = None,
    week_start: Annotated[str | None, typer.Option(help="monday to sunday.")] = None,
    fiscal_year_start: Annotated[str | None, typer.Option(help="MM-DD.")] = None,
    fiscal_pattern: Annotated[str | None, typer.Option(help="months, 445, 454 or 544.")] = None,
    country: Annotated[
        str | None, typer.Option(help="Whose holidays are known days: two letters as DE, or none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change the calendar of a workspace; what is not given stays as it is.

    The pipeline derives all days, weeks and months again. Reads are answered by the former calendar until that is done.
    The country changes none of them.
    """
    from metrics.calendars import Calendar
    from metrics.calendars.countries import checked_country
    from metrics.collection.calendars import request_change

    given = {
        "timeZone": time_zone,
        "weekStart": week_start,
        "fiscalYearStart": fiscal_year_start,
        "fiscalPattern": fiscal_pattern,
    }
    with open_store() as (store, _):
        check_workspace(store, workspace)
        known = store.calendars.get(workspace)
        if country is None:
            holidays = store.calendars.country(workspace)
        else:
            holidays = None if country == "none" else checked_country(country)
        wanted = known.current.described() | {name: value for name, value in given.items() if value is not None}
        calendar = Calendar.parse(wanted)
        if country is not None:
            store.calendars.set_country(workspace, holidays)
        operation = request_change(store, workspace, calendar)
    if as_json:
        shown = {"workspace": workspace, **wanted, "country": holidays}
        print_json({**shown, "operation": operation["_id"] if operation else None})
        return
    if country is not None:
        known_ones = "no holidays are known" if holidays is None else f"the holidays of {holidays} are known"
        print_line(f"{workspace}: {known_ones}")
    if operation is None:
        print_line(f"{workspace}: the calendar stays as it is")
    else:
        print_line(
            f"{workspace}: the new calendar is being prepared as {operation['_id']}; "
            f"`tidemark calendar show {workspace}` tells when it answers"
        )
