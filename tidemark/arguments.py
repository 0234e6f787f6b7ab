"""Arguments that several commands take, and how they are checked."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from metrics.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from metrics.store import Store

Workspace = Annotated[str, typer.Argument(help="The workspace.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def check_workspace(store: "Store", workspace: str) -> None:
    """Check that accounts are connected to a workspace.

    Raises:
        NotFound: there are none.
    """
    if workspace not in store.accounts.workspaces():
        raise NotFound(f"there is no workspace {workspace}: see `tidemark accounts list`")


def day_of(text: str, option: str) -> date:
    """Return the day that a text names.

    Raises:
        InvalidInput: it is no date in the form YYYY-MM-DD; the message names the option.
    """
    try:
        if len(text) == len("YYYY-MM-DD"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput(f"{option}: give a date of the calendar as YYYY-MM-DD", option)
