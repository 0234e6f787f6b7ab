"""`python -m serving`: the HTTP server of one process."""

import argparse
import sys
from contextlib import ExitStack
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from metrics.errors import SettingsError
from metrics.settings import settings
from serving import logs, telemetry
from serving.app import create_app
from serving.protocol import BoundedProtocol

GRACE_SECONDS = 4


class Server(uvicorn.Server):
    """Ends streams before it waits for open answers: uvicorn itself waits for them first."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and tell every stream to end."""
        self.end_streams()
        super().handle_exit(sig, frame)

    def end_streams(self) -> None:
        """Ask every stream to end."""
        services = getattr(self._app.state, "services", None)
        if services is not None:
            services.hub.stop_streams()


def server(app: Starlette, host: str, port: int) -> Server:
    """Return a server that is not running yet."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=BoundedProtocol,
        access_log=False,
        server_header=False,
        log_config=None,
        log_level="info",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config, app)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve Tidemark's HTTP API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=settings().http_port)
    arguments = parser.parse_args()
    logs.configure()
    try:
        with ExitStack() as stack:
            stack.enter_context(telemetry.listening(settings()))
            server(create_app(), arguments.host, arguments.port).run()
    except SettingsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
