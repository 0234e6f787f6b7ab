"""Entry point of the command line `tidemark`: assembles the commands, and maps errors to exit codes.

Exit codes: 0 success; 1 failure, or a check found something; 2 wrong input or a wrong setting, nothing was changed; 3 a
store cannot be reached; 70 a bug in Tidemark; 130 interrupted. Errors are one line on standard error.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from metrics.errors import InvalidInput, NotFound, SettingsError, TidemarkError, Unavailable
from tidemark.commands import accounts, consents, insights, keys, own_metrics, pauses, retention
from tidemark.commands.backup import backup, restore
from tidemark.commands.console import print_error, print_line, print_traceback
from tidemark.commands.doctor import doctor
from tidemark.commands.env import env
from tidemark.commands.erase import erase
from tidemark.commands.quotas import quotas
from tidemark.commands.rebuild import rebuild
from tidemark.commands.simulator import simulator
from tidemark.commands.up import up
from tidemark.commands.workspace import alerts, anomaly_alerts, calendar, campaigns, warehouse, watch

NAME = "tidemark"
WRONG, OUT_OF_REACH, BUG, INTERRUPTED = 2, 3, 70, 130

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Hourly social media metrics in a log that never forgets.",
    epilog="Exit codes: 0 success, 1 failed or found something, 2 wrong input, 3 a store cannot be reached.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print_line(f"{NAME} {version(NAME)}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Accept the options that stand before the name of a command."""


app.command(epilog="Examples: tidemark up; TIDEMARK_HTTP_PORT=8080 tidemark up --no-seed")(up)
app.command(epilog="Example: tidemark doctor --json")(doctor)
app.command(epilog='Example: eval "$(tidemark env)"; curl -H "Authorization: Bearer $KEY" $URL/analytics/metrics')(env)
app.command(epilog="Example: tidemark quotas --json")(quotas)
app.command(epilog="Example: tidemark rebuild --from 2026-01-01 --to 2026-01-31 --check")(rebuild)
app.command(epilog="Example: tidemark erase --account acc_0123456789abcdef --yes")(erase)
app.command(epilog="Example: tidemark backup /var/backups/tidemark/2026-01-15")(backup)
app.command(epilog="Example: tidemark restore /var/backups/tidemark/2026-01-15")(restore)
app.command(epilog="Example: tidemark simulator --port 8100 --latency-ms 100")(simulator)
app.add_typer(accounts.app, name="accounts")
app.add_typer(alerts.app, name="alerts")
app.add_typer(anomaly_alerts.app, name="anomaly-alerts")
app.add_typer(calendar.app, name="calendar")
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(consents.app, name="consents")
app.add_typer(insights.app, name="insights")
app.add_typer(keys.app, name="keys")
app.add_typer(own_metrics.app, name="metrics")
app.add_typer(pauses.app, name="pauses")
app.add_typer(retention.app, name="retention")
app.add_typer(warehouse.app, name="warehouse")
app.add_typer(watch.app, name="watch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (listed in the docstring of this module)."""
    try:
        return int(app(arguments, prog_name=NAME, standalone_mode=False) or 0)
    except typer.TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", NAME)
        print_error(f"{error.format_message().rstrip('.')}: see `{command} --help`")
        return error.exit_code
    except (InvalidInput, NotFound, SettingsError) as error:
        print_error(str(error))
        return WRONG
    except Unavailable as error:
        print_error(str(error))
        return OUT_OF_REACH
    except TidemarkError as error:
        print_error(str(error))
        return 1
    except (typer.Abort, KeyboardInterrupt):
        print_error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has closed the pipe. Python would report that again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  any unexpected error is shown as one line
        print_error(f"this is a bug: {type(error).__name__}: {error} (its traceback: {_keep_traceback()})")
        return BUG


def _keep_traceback() -> str:
    """Write the traceback into the log folder of the stack, and return its path; print it if that is not possible."""
    path = Path(os.environ.get("TIDEMARK_HOME", ".tidemark")) / "logs" / "crash.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(traceback.format_exc())
    except OSError:
        print_traceback(traceback.format_exc())
        return "above"
    return str(path)


def script() -> None:
    """Run the command line and exit."""
    sys.exit(main())


if __name__ == "__main__":
    script()
