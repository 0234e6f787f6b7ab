"""The command `tidemark up`: starts the whole stack in the foreground."""

from typing import Annotated

import typer

from metrics.clock import utcnow
from tidemark.commands.console import print_line, starting
from tidemark.commands.stores import checked_settings


def up(
    seed: Annotated[bool, typer.Option(help="Write simulated history at the first start.")] = True,
    dagster: Annotated[bool, typer.Option(help="Start Dagster too.")] = True,
    days: Annotated[int, typer.Option(min=1, max=390, help="Days of simulated history.")] = 35,
    workspaces: Annotated[int, typer.Option(min=1, max=100, help="Workspaces with simulated history.")] = 3,
    shorten: Annotated[
        bool, typer.Option("--shorten", help="Delete data that the retention of the settings no longer keeps.")
    ] = False,
    clock: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="Start the stack's clock at this instant, in a folder of its own: 2026-03-28T22:55Z.",
        ),
    ] = None,
) -> None:
    """Start everything on this machine and stay in the foreground; Ctrl-C stops it.

    This starts MongoDB, Redis, a simulator of the platforms, Dagster and the HTTP API. Data and logs are in
    TIDEMARK_HOME.
    """
    settings = checked_settings()
    begins = None
    if clock is not None:
        # Imported late: only `--clock` needs the simulated world here.
        from tidemark.stack.clock import instant_of, refuse_outside

        begins = instant_of(clock)
        refuse_outside(settings)
    with starting() as start:
        start.say(f"starting; data and logs are in {settings.home}")
        # Imported late: drivers and the simulator are slow to import.
        from tidemark.stack.up import Up

        def announce(urls: dict[str, str]) -> None:
            start.end()
            _print_urls(urls, start.seconds)

        Up(settings, start.say, start.progress, seed, dagster, days, workspaces, shorten, begins).run(announce)


def _print_urls(urls: dict[str, str], seconds: float) -> None:
    rows = {"dashboard": f"{urls['http']}/#key={urls['key']}", "HTTP API": f"{urls['http']}/docs"}
    if urls["dagster"]:
        rows["Dagster"] = urls["dagster"]
    rows |= {"simulator": urls["simulator"], "key": urls["key"]}
    if float(urls["clock"]):
        rows["clock"] = f"{utcnow():%Y-%m-%d %H:%M} UTC: the data in this folder lives there for good"
    lines = ["", f"ready after {seconds:.0f} s", ""]
    lines += [f"  {name:<10} {value}" for name, value in rows.items()]
    for line in [*lines, "", "Ctrl-C stops everything and keeps the data."]:
        # Printed unwrapped, so that users can copy the lines.
        print_line(line)
