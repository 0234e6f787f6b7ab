"""The commands `tidemark metrics`: metrics of a workspace's own, as formulas over the metrics of the catalog."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat, utcnow
from metrics.errors import InvalidInput
from metrics.ids import check_id
from tidemark.arguments import Json, Workspace, check_workspace
from tidemark.commands.console import print_exact, print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics.definitions.changes import NewDefinition
    from metrics.definitions.scope import Value
    from metrics.expected import Span
    from metrics.store.workspace.metric_definitions import DefinitionDocument

app = typer.Typer(
    no_args_is_help=True,
    help="Metrics of a workspace's own: list, define, preview, retire, import and export formulas.",
)

Name = Annotated[str, typer.Argument(help="The name of the metric, as save_rate.")]
Expression = Annotated[str, typer.Argument(help="The formula, as 'percent(saves, views)' (docs/definitions.md).")]
Unit = Annotated[str | None, typer.Option(help="The unit that you expect: another one than follows is refused.")]


@app.command("list", epilog="Example: tidemark metrics list demo-north --json")
def list_metrics(workspace: Workspace, as_json: Json = False) -> None:
    """List the metrics of a workspace's own with all their versions."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        found = store.definitions.versions(workspace)
    if as_json:
        print_json([{name: value for name, value in one.items() if name != "_id"} for one in found])
        return
    print_table(
        ("name", "version", "unit", "expression", "title", "retired"),
        [(one["name"], str(one["version"]), one["unit"], one["expression"], one["title"], _retired(one))
         for one in found],
    )  # fmt: skip


def _retired(document: "DefinitionDocument") -> str:
    return isoformat(document["retiredAt"]) if "retiredAt" in document else ""


@app.command(
    epilog="Example: tidemark metrics define demo-north save_rate 'percent(saves, views)' --title 'Rate of saves'"
)
def define(
    workspace: Workspace,
    name: Name,
    expression: Expression,
    title: Annotated[str, typer.Option(help="The name to show to people.")],
    description: Annotated[str | None, typer.Option(help="What the number tells.")] = None,
    unit: Unit = None,
    as_json: Json = False,
) -> None:
    """Define a metric, or change it, which makes a new version."""
    from metrics.definitions.changes import NewDefinition

    _define(workspace, [NewDefinition(name, title, expression, description, unit)], as_json=as_json)


@app.command("import", epilog="Example: tidemark metrics import demo-north metrics.yaml")
def import_file(
    workspace: Workspace,
    file: Annotated[Path, typer.Argument(help="A YAML file, as `export` writes it.")],
    as_json: Json = False,
) -> None:
    """Define the metrics of a YAML file, all or none; others stay as they are."""
    from tidemark.definitions_file import MAX_BYTES, parse

    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}") from None
    try:
        wanted = parse(content)
    except InvalidInput as error:
        raise InvalidInput(f"nothing was imported; {error}") from None
    _define(workspace, wanted, as_json=as_json)


def _define(workspace: str, wanted: "Sequence[NewDefinition]", *, as_json: bool) -> None:
    check_id(workspace, "WORKSPACE")
    with open_store(create=True) as (store, settings), open_redis(settings) as redis:
        from metrics.definitions import changes
        from metrics.redis.events import Announcer

        check_workspace(store, workspace)
        found = changes.define(store, workspace, wanted, utcnow())
        # Answers that were computed with a former definition must not be served any longer.
        Announcer(redis).announce(workspace)
    if as_json:
        print_json([{"name": name, "version": one["version"], "unit": one["unit"]} for name, one in found.items()])
        return
    for name, one in found.items():
        print_line(f"{name} version {one['version']}: {one['normalForm']}, in {one['unit']}")


@app.command(epilog="Example: tidemark metrics preview demo-north 'percent(saves, views)'")
def preview(workspace: Workspace, expression: Expression, unit: Unit = None, as_json: Json = False) -> None:
    """Evaluate a formula over the last eight weeks without keeping it."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        from metrics.definitions.preview import preview as evaluated

        check_workspace(store, workspace)
        found = evaluated(store, workspace, expression, utcnow(), unit)
    rows = [*found.weeks, found.total]
    if as_json:
        shown = [_of_span(span, value) for span, value in rows]
        print_json({"unit": found.checked.unit, "normalForm": str(found.checked.form), "weeks": shown[:-1],
                    "total": shown[-1]})  # fmt: skip
        return
    print_line(f"{found.checked.form}, in {found.checked.unit}")
    print_table(("from", "value", "over", "under", "measured"), [_row(span, value) for span, value in rows])


def _of_span(span: "Span", value: "Value") -> dict[str, Any]:
    shown: dict[str, Any] = {"start": isoformat(span[0]), "end": isoformat(span[1])}
    if value.parts is None:
        return {**shown, "reason": value.reason}
    parts = value.parts
    return {**shown, "value": value.value, "over": parts.over, "under": parts.under, "measured": parts.measured}


def _row(span: "Span", value: "Value") -> tuple[str, ...]:
    days = f"{span[0]:%Y-%m-%d}, {(span[1] - span[0]).days} days"
    if value.parts is None:
        return days, value.reason or "", "", "", ""
    numbers = (value.value, value.parts.over, value.parts.under, value.parts.measured)
    return (days, *("" if one is None else f"{one:,.6g}" if isinstance(one, float) else f"{one:,}" for one in numbers))


@app.command(epilog="Example: tidemark metrics retire demo-north save_rate")
def retire(workspace: Workspace, name: Name, as_json: Json = False) -> None:
    """Take a metric out of use; its versions stay, and it can be defined again."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, settings), open_redis(settings) as redis:
        from metrics.definitions import changes
        from metrics.redis.events import Announcer

        changes.retire(store, workspace, name, utcnow())
        Announcer(redis).announce(workspace)
    if as_json:
        print_json({"name": name, "retired": True})
    else:
        print_line(f"{name} is retired")


@app.command(epilog="Example: tidemark metrics export demo-north > metrics.yaml")
def export(workspace: Workspace) -> None:
    """Print the metrics of a workspace that are in use as YAML, which `import` reads."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        from metrics.definitions.changes import live
        from tidemark.definitions_file import dump

        print_exact(dump(live(store.definitions.newest(workspace)).values()))
