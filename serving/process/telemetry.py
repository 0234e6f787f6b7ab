"""The Prometheus endpoint: counters and histograms of the serving processes, and gauges of the deployment.

Several worker processes share one endpoint through files in the folder `PROMETHEUS_MULTIPROC_DIR`. This variable must
be in the environment before prometheus_client is imported: `prepare` sets it in the process that starts the workers.
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
    """Provide a temporary folder for the metrics of several workers; a single process keeps them in memory."""
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
    """Serve `/metrics` on the address of the settings, beside the API; without a port, do nothing.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    if settings.prometheus_port is None:
        yield
        return
    # Imported after `prepare`, because the import decides where the metrics are kept.
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
