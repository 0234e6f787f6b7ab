"""The command `tidemark simulator`: runs the platforms' simulator alone."""

from typing import Annotated

import typer

from tidemark.commands.console import print_note
from tidemark.commands.stores import checked_settings
from tidemark.stack.ports import HOST, require_free


def simulator(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on.", show_default="TIDEMARK_SIMULATOR_PORT")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated world; each seed gives another world.")] = 1,
    latency_ms: Annotated[float, typer.Option(min=0, help="Milliseconds that every answer is delayed.")] = 0.0,
) -> None:
    """Run only the simulator of the platforms; Ctrl-C stops it."""
    # Imported late: no other command needs uvicorn and the simulated world.
    from simulator.serve import serve

    place = require_free(port or checked_settings().simulator_port, "--port or TIDEMARK_SIMULATOR_PORT")
    print_note(f"simulator on http://{HOST}:{place}; its accounts: http://{HOST}:{place}/_control/accounts")
    serve(HOST, place, seed, latency_ms)
