"""The commands `tidemark alerts`: thresholds on metrics of a workspace, and where their messages go."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat, utcnow
from metrics.errors import InvalidInput, NotFound
from metrics.ids import check_id
from tidemark.arguments import Json, Workspace, check_workspace
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_store
from tidemark.commands.workspace.channels import ChannelsFrom, public, read_channels

if TYPE_CHECKING:
    from collections.abc import Mapping


app = typer.Typer(no_args_is_help=True, help="Alerts by thresholds on any metric: list, set and remove them.")

Name = Annotated[str, typer.Argument(help="The name of the alert, as few-likes.")]


@app.command("list", epilog="Example: tidemark alerts list demo-north --json")
def list_alerts(workspace: Workspace, as_json: Json = False) -> None:
    """List the alerts of a workspace with their state; the URLs of their channels are not shown."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        found = store.alerts.all(workspace)
    if as_json:
        print_json([public(one) for one in found])
        return
    print_table(
        ("name", "condition", "state", "newest period", "value", "channels", "failing"),
        [
            (
                one["name"],
                f"{one['metric']} {one['comparison']} {_number(one['threshold'])}, {one['period']}",
                one["state"],
                one["last"]["periodLabel"] if "last" in one else "",
                _value(one["last"]) if "last" in one else "",
                ", ".join(channel["scheme"] for channel in one["channels"]),
                str(sum(channel["failures"] > 0 for channel in one["channels"])),
            )
            for one in found
        ],
    )


def _value(last: "Mapping[str, Any]") -> str:
    return _number(last["value"]) if "value" in last and "reason" not in last else str(last.get("reason", ""))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6g}"


@app.command(
    "set",
    epilog="Example: tidemark alerts set demo-north few-likes --title 'Few likes' --metric totalLikes --below 100 "
    "--channels-from channels.txt",
)
def set_(
    workspace: Workspace,
    name: Name,
    title: Annotated[str, typer.Option(help="The name to show to people.")],
    metric: Annotated[str, typer.Option(help="A total, as totalLikes, or a metric of the workspace's own.")],
    above: Annotated[float | None, typer.Option(help="Fire when the value is above this.")] = None,
    below: Annotated[float | None, typer.Option(help="Fire when the value is below this.")] = None,
    rises: Annotated[float | None, typer.Option(help="Fire when it rose by more than so many percent.")] = None,
    falls: Annotated[float | None, typer.Option(help="Fire when it fell by more than so many percent.")] = None,
    period: Annotated[str, typer.Option(help="daily, weekly or monthly.")] = "daily",
    account: Annotated[list[str] | None, typer.Option(help="Only this account; repeat it for several.")] = None,
    channels_from: ChannelsFrom = None,
    as_json: Json = False,
) -> None:
    """Set an alert, in place of one of the same name."""
    check_id(workspace, "WORKSPACE")
    given = {"above": above, "below": below, "rises": rises, "falls": falls}
    chosen = {comparison: threshold for comparison, threshold in given.items() if threshold is not None}
    if len(chosen) != 1:
        raise InvalidInput("give one of --above, --below, --rises and --falls, with its threshold", "--above")
    ((comparison, threshold),) = chosen.items()
    channels = None if channels_from is None else read_channels(channels_from)
    with open_store(create=True) as (store, settings):
        from metrics.alerts.changes import NewAlert, set_alert
        from metrics.vault import Vault

        check_workspace(store, workspace)
        accounts = tuple(account) if account else None
        wanted: Any = (name, title, metric, comparison, threshold, period, accounts, channels)
        vault = Vault(settings.secret_keys) if settings.secret_keys else None
        found = set_alert(store, workspace, NewAlert(*wanted), utcnow(), vault)
    if as_json:
        print_json(public(found))
    else:
        sent = ", ".join(one["scheme"] for one in found["channels"]) or "no channel"
        print_line(f"{name}: {metric} {comparison} {_number(threshold)}, {period}, to {sent}")


@app.command(epilog="Example: tidemark alerts remove demo-north few-likes")
def remove(workspace: Workspace, name: Name, as_json: Json = False) -> None:
    """Delete an alert with its firings."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        if not store.alerts.remove(workspace, name):
            from metrics.definitions.language.vocabulary import instead

            known = [one["name"] for one in store.alerts.all(workspace)]
            hint = instead(name, known) if known else "the workspace has none"
            raise NotFound(f"there is no alert {name}: {hint}")
    if as_json:
        print_json({"name": name, "removedAt": isoformat(utcnow())})
    else:
        print_line(f"{name} is removed")
