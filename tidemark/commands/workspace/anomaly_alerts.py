"""The commands `tidemark anomaly-alerts`: from which severity on a workspace is told of anomalies, and where."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat, utcnow
from metrics.errors import NotFound
from metrics.ids import check_id
from tidemark.arguments import Json, Workspace, check_workspace
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_store
from tidemark.commands.workspace.channels import ChannelsFrom, public, read_channels

if TYPE_CHECKING:
    from metrics.store.workspace.anomaly_alerts import AnomalyAlertDocument

app = typer.Typer(no_args_is_help=True, help="Messages about anomalies by severity: show, set and remove the rule.")

_MESSAGES = 20


@app.command(epilog="Example: tidemark anomaly-alerts show demo-north --json")
def show(workspace: Workspace, as_json: Json = False) -> None:
    """Show which anomalies a workspace is told of, and the newest messages; URLs of channels are not shown."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        rule = store.anomaly_alerts.get(workspace)
        messages = store.anomaly_alerts.messages(workspace, _MESSAGES) if rule else []
    if as_json:
        told = [{"messageId": one["_id"], **public(one)} for one in messages]
        print_json(None if rule is None else {**public(rule), "messages": told})
        return
    if rule is None:
        print_line(f"{workspace} is told of no anomalies: `tidemark anomaly-alerts set` says of which")
        return
    print_line(_said(workspace, rule))
    failing = [one for one in rule["channels"] if one["failures"]]
    for one in failing:
        print_line(f"{one['scheme']}: {one['failures']} failed attempts, {one.get('error', 'for an unknown reason')}")
    if messages:
        print_table(
            ("message", "made", "anomalies", "deliveries"),
            [
                (
                    one["_id"],
                    isoformat(one["madeAt"]),
                    str(len(one["anomalyIds"])),
                    ", ".join(delivery["state"] for delivery in one["deliveries"]),
                )
                for one in messages
            ],
        )


@app.command(
    "set", epilog="Example: tidemark anomaly-alerts set demo-north --min-severity 7 --channels-from channels.txt"
)
def set_(
    workspace: Workspace,
    min_severity: Annotated[int, typer.Option(min=1, max=10, help="Tell of anomalies of this severity or more.")],
    channels_from: ChannelsFrom = None,
    as_json: Json = False,
) -> None:
    """Set which anomalies a workspace is told of, in place of what was set; an empty file removes its channels."""
    check_id(workspace, "WORKSPACE")
    channels = None if channels_from is None else read_channels(channels_from)
    with open_store(create=True) as (store, settings):
        from metrics.alerts.anomalies import NewRule, set_rule
        from metrics.vault import Vault

        check_workspace(store, workspace)
        vault = Vault(settings.secret_keys) if settings.secret_keys else None
        rule = set_rule(store, workspace, NewRule(min_severity, channels), utcnow(), vault)
    if as_json:
        print_json(public(rule))
    else:
        print_line(_said(workspace, rule))


@app.command(epilog="Example: tidemark anomaly-alerts remove demo-north")
def remove(workspace: Workspace, as_json: Json = False) -> None:
    """Delete the rule with its messages: the workspace is told of no anomalies any more."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        if not store.anomaly_alerts.remove(workspace):
            raise NotFound(f"{workspace} is told of no anomalies: there is nothing to remove")
    result: dict[str, Any] = {"workspace": workspace, "removedAt": isoformat(utcnow())}
    if as_json:
        print_json(result)
    else:
        print_line(f"{workspace} is told of no anomalies any more")


def _said(workspace: str, rule: "AnomalyAlertDocument") -> str:
    where = ", ".join(one["scheme"] for one in rule["channels"]) or "no channel"
    return f"{workspace}: anomalies of severity {rule['minSeverity']} of 10 or more, to {where}"
