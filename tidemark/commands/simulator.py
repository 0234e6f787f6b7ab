"""`tidemark simulator`."""

from typing import Annotated

import typer

from tidemark.commands.console import print_note
from tidemark.commands.stores import checked_settings
from tidemark.stack.ports import HOST, require_free


def simulator(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where it listens.", show_default="TIDEMARK_SIMULATOR_PORT")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 1,
    latency_ms: Annotated[float, typer.Option(min=0, help="Milliseconds that every answer takes.")] = 0.0,
) -> None:
    """Run the simulator of the platforms alone; Ctrl-C stops it."""
    # uvicorn and the world of the simulator are of no use to the other commands.
    from simulator.serve import serve

    place = require_free(port or checked_settings().simulator_port, "--port or TIDEMARK_SIMULATOR_PORT")
    print_note(f"simulator on http://{HOST}:{place}; its accounts: http://{HOST}:{place}/_control/accounts")
    serve(HOST, place, seed, latency_ms)
