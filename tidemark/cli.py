"""The command `tidemark`."""

import sys
from typing import Annotated

import typer

from metrics.errors import InvalidInput, TidemarkError
from tidemark.commands import accounts, keys
from tidemark.commands.console import err
from tidemark.commands.doctor import doctor
from tidemark.commands.erase import erase
from tidemark.commands.rebuild import rebuild
from tidemark.commands.up import up

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Hourly social media metrics in a log that never forgets.",
)
app.command()(up)
app.command()(doctor)
app.command()(rebuild)
app.command()(erase)
app.add_typer(accounts.app, name="accounts")
app.add_typer(keys.app, name="keys")


@app.command()
def simulator(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens.")] = 8100,
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 1,
    latency_ms: Annotated[float, typer.Option(min=0, help="Milliseconds that every answer takes.")] = 0.0,
) -> None:
    """Run the simulator of the platforms alone."""
    import uvicorn

    from simulator.app import create_app
    from simulator.registry import new_world

    uvicorn.run(create_app(new_world(seed), latency_ms=latency_ms), port=port, log_level="warning", access_log=False)


def main() -> None:
    """Run the command line: errors are one line with the remedy, exit code 2 for bad input, else 1."""
    try:
        app()
    except TidemarkError as error:
        err.print(f"tidemark: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)


if __name__ == "__main__":
    main()
