"""`python -m serving`: the HTTP server, as one process or as several worker processes on one port."""

import argparse
import multiprocessing
import os
import signal
import sys
import threading
from contextlib import ExitStack
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from metrics.errors import SettingsError
from metrics.settings import settings
from serving.process import interpreter, logs, telemetry

GRACE_SECONDS = 4


class Server(uvicorn.Server):
    """A uvicorn server whose streams its owner can end, for a server in a thread, which receives no signals."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    def end_streams(self) -> None:
        """Ask every open stream to end."""
        services = getattr(self._app.state, "services", None)
        if services is not None:
            services.hub.stop_streams()


def server(app: Starlette, host: str, port: int) -> Server:
    """Return a server for an application; the caller runs it."""
    return Server(_config(app, host=host, port=port), app)


def _config(app: Any, **options: Any) -> uvicorn.Config:
    from serving.wire.protocol import AbortableWebSocket, BoundedProtocol

    return uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedProtocol,
        ws=AbortableWebSocket,
        ws_max_size=64 * 1024,
        access_log=False,
        server_header=False,
        # The application does this itself, behind its hot reads.
        proxy_headers=False,
        log_config=None,
        log_level="info",
        timeout_graceful_shutdown=GRACE_SECONDS,
        **options,
    )


def worker() -> Starlette:
    """Return the application of a worker process. The worker ends when the process that started it is gone."""
    from serving.app import create_app

    logs.configure()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_stop_after, args=[parent], daemon=True).start()
    app = create_app()
    interpreter.settle()
    return app


def _stop_after(parent: Any) -> None:
    """Wait until the parent process has ended, then stop this one."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _serve_with_workers(workers: int, host: str, port: int) -> None:
    config = _config("serving.__main__:worker", factory=True, workers=workers, host=host, port=port)
    Multiprocess(config, sockets=[config.bind_socket()]).run()


def _raise_file_limit() -> None:
    """Raise the limit of open files to the hard limit: the usual soft limit of 1,024 allows too few streams."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Serve until stopped."""
    try:
        _run()
    except SettingsError as error:
        sys.exit(str(error))


def _run() -> None:
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve Tidemark's HTTP API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=settings().http_port)
    parser.add_argument("--workers", type=int, default=1, help="worker processes that share the port (default: 1)")
    arguments = parser.parse_args()
    if arguments.workers < 1:
        parser.error("--workers: must be at least 1")
    logs.configure()
    _raise_file_limit()
    with ExitStack() as stack:
        stack.enter_context(telemetry.prepare(arguments.workers))
        stack.enter_context(telemetry.listening(settings()))
        if arguments.workers > 1:
            _serve_with_workers(arguments.workers, arguments.host, arguments.port)
        else:
            from serving.app import create_app

            app = create_app()
            interpreter.settle()
            server(app, arguments.host, arguments.port).run()


if __name__ == "__main__":
    main()
