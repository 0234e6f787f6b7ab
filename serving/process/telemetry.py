"""What Prometheus reads: counters and histograms of the serving processes, and gauges of the deployment.

Several worker processes share one endpoint through files in `PROMETHEUS_MULTIPROC_DIR`, which has to be in the
environment before prometheus_client is imported: `prepare` sets it in the process that starts the workers.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from metrics.errors import SettingsError
from metrics.settings import Settings

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def prepare(workers: int) -> Iterator[None]:
    """Make room for the numbers of several processes; one process keeps them in memory."""
    if workers < 2 or _DIRECTORY in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="tidemark-prometheus-") as folder:
        os.environ[_DIRECTORY] = folder
        try:
            yield
        finally:
            del os.environ[_DIRECTORY]


@contextmanager
def listening(settings: Settings) -> Iterator[None]:
    """Serve `/metrics` beside the API, where the operator says; nowhere without a port.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    if settings.prometheus_port is None:
        yield
        return
    # After `prepare`: the import decides where numbers are kept.
    from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    from serving.process.deployment import DeploymentCollector

    registry = REGISTRY
    if _DIRECTORY in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    try:
        server, thread = start_http_server(settings.prometheus_port, settings.prometheus_host, registry)
    except OSError as error:
        where = f"{settings.prometheus_host}:{settings.prometheus_port}"
        raise SettingsError(f"TIDEMARK_PROMETHEUS_PORT: cannot listen on {where}: {error.strerror}") from None
    with ExitStack() as stack:
        deployment = DeploymentCollector(settings)
        registry.register(deployment)
        stack.callback(deployment.close)
        stack.callback(registry.unregister, deployment)
        stack.callback(thread.join)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        yield
