"""`tidemark up`."""

import time
from typing import Annotated

import typer

from tidemark.commands.console import out
from tidemark.commands.stores import checked_settings


def up(
    seed: Annotated[bool, typer.Option(help="Write history at the first start.")] = True,
    dagster: Annotated[bool, typer.Option(help="Start Dagster too.")] = True,
    days: Annotated[int, typer.Option(min=1, max=390, help="Days of history.")] = 35,
    workspaces: Annotated[int, typer.Option(min=1, max=100, help="Workspaces of history.")] = 3,
) -> None:
    """Start everything on this machine and stay in the foreground; Ctrl-C stops it.

    MongoDB, Redis, a simulator of the platforms, history, Dagster and the HTTP API; data and logs lie in TIDEMARK_HOME.
    """
    settings = checked_settings()
    # Drivers and the simulator are slow to import: help does without.
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from tidemark.stack.up import Up

    started = time.monotonic()
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def say(line: str) -> None:
            out.print(f"[dim]{time.monotonic() - started:5.1f} s[/dim]  {line}")
            bar.update(task, description=line[:28])

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        def announce(urls: dict[str, str]) -> None:
            bar.stop()
            _print_urls(urls, time.monotonic() - started)

        Up(settings, say, progress, seed, dagster, days, workspaces).run(announce)


def _print_urls(urls: dict[str, str], seconds: float) -> None:
    rows = {"dashboard": f"{urls['http']}/#key={urls['key']}", "HTTP API": f"{urls['http']}/docs"}
    if urls["dagster"]:
        rows["Dagster"] = urls["dagster"]
    rows |= {"simulator": urls["simulator"], "key": urls["key"]}
    out.print(f"\nready after {seconds:.0f} s\n")
    for name, value in rows.items():
        # Never wrapped: people copy these.
        out.print(f"  {name:<10} {value}", soft_wrap=True)
    out.print("\nCtrl-C stops everything and keeps the data.")
