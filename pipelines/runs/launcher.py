"""Dagster's default run launcher with a health check, so that Dagster's monitor finds runs whose code server is gone.

Runs are child processes of the code server and end with it. The monitor asks the launcher every half minute whether a
run's worker exists. The default launcher cannot tell, so a lost run would count as running for hours, and block
everything that waits for its end. The code server that started a run knows it until it ends; a new one does not.
"""

import json
import logging
import time
from typing import Any

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

PATIENCE_SECONDS = 600.0
"""A code server that has not answered for so long is considered gone for good, together with its runs.

Dagster retries a failed run only if a code server answers within seconds of the failure, and otherwise never. So runs
of a server that does not answer are not failed before it is back. They block nothing: nothing can run without it."""

_TIMEOUT_SECONDS = 10
_START_TIMEOUT_SECONDS = 60
"""As long as Dagster waits for a code server to start a run."""

log = logging.getLogger(__name__)


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs on code servers, each only once, and checks whether the servers still have them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._silent_since: dict[tuple[Any, ...], float] = {}

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: Dagster's monitor calls `check_run_worker_health` for each run under way."""
        return True

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run, unless a code server has it already from an earlier attempt.

        A busy server may answer the request to start a run too late. Dagster then queues the run again, but the server
        starts it all the same. A second start would end at once, and the server would forget the run with it.
        """
        run = context.dagster_run
        if GRPC_INFO_TAG in run.tags and self._already_started(json.loads(run.tags[GRPC_INFO_TAG]), run.run_id):
            log.info("run %s is not started again: its code server has it already", run.run_id)
            return
        super().launch_run(context)

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Ask the code server that started a run whether the run still exists there."""
        if GRPC_INFO_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "no code server is noted for this run")
        server = json.loads(run.tags[GRPC_INFO_TAG])
        place = (server.get("host"), server.get("port"), server.get("socket"))
        try:
            has_it = self._has(server, run.run_id)
        except DagsterUserCodeUnreachableError:
            silent = time.monotonic() - self._silent_since.setdefault(place, time.monotonic())
            if silent < PATIENCE_SECONDS:
                return CheckRunHealthResult(WorkerStatus.RUNNING, "the code server does not answer yet")
            return CheckRunHealthResult(
                WorkerStatus.NOT_FOUND, f"the code server of this run has not answered for {silent:.0f} s"
            )
        self._silent_since.pop(place, None)
        if has_it:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.NOT_FOUND, "the code server was started again, and this run ended with it"
        )

    def _already_started(self, server: dict[str, Any], run_id: str) -> bool:
        try:
            return self._has(server, run_id, _START_TIMEOUT_SECONDS)
        except DagsterUserCodeUnreachableError:
            # The server of the earlier attempt is gone, for example since the stack was started again.
            return False

    @staticmethod
    def _has(server: dict[str, Any], run_id: str, timeout: int = _TIMEOUT_SECONDS) -> bool:
        client = DagsterGrpcClient(
            port=server.get("port"),
            socket=server.get("socket"),
            host=server.get("host", "localhost"),
            use_ssl=bool(server.get("use_ssl", False)),
        )
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=timeout)
        return bool(deserialize_value(answer, CanCancelExecutionResult).can_cancel)
