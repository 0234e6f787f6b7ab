"""The command `tidemark doctor`: runs all checks, and prints their findings and remedies."""

from dataclasses import asdict
from typing import Annotated

import typer

from tidemark.commands.console import print_json, print_line
from tidemark.commands.stores import effective_settings
from tidemark.home import Home

_OK, _WARN, _FAIL = ("ok   ", "green"), ("warn ", "yellow"), ("fail ", "red")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look for common problems; the exit code is 1 if any check failed (warnings do not count)."""
    # Imported late: drivers are slow to import.
    from tidemark.checkup import examine

    settings = effective_settings(misspelt=True)
    findings = []
    for finding in examine(settings, Home(settings.home.resolve())):
        findings.append(finding)
        if not as_json:
            mark, style = _OK if finding.well else _WARN if finding.warning else _FAIL
            print_line(f"{finding.name}: {finding.detail}", mark=mark, style=style)
            if not finding.well and finding.remedy:
                print_line(finding.remedy, mark="     ")
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if not all(finding.well or finding.warning for finding in findings):
        raise typer.Exit(1)
