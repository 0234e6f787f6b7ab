"""Dagster's daemon in this process, one evaluation at a time, under a clock that the test sets."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg
import pytest

from metrics import clock
from pipelines.definitions import build
from tests.pipelines.deployment import Deployment


def set_clock(patch: pytest.MonkeyPatch, deployment: Deployment, now: datetime) -> None:
    """Set the clock to `now`, for this process and for the platforms."""
    real = clock.utcnow

    def utcnow() -> datetime:
        return now

    for name, module in list(sys.modules.items()):
        asks = getattr(module, "utcnow", None)
        if name.split(".")[0] in ("metrics", "pipelines") and (asks is real or getattr(asks, "of_test", False)):
            patch.setattr(module, "utcnow", utcnow)
    utcnow.of_test = True  # type: ignore[attr-defined]
    deployment.simulator.set_clock(now)


@dataclass
class Daemon:
    """Evaluates schedules and sensors, and executes the runs that they request, once per run key."""

    deployment: Deployment
    instance: dg.DagsterInstance
    runs: list[tuple[str, str]] = field(default_factory=list)
    """(job, partition or `first…last`) of every run, in order."""

    def __post_init__(self) -> None:
        self._defs = build({"tidemark": self.deployment.resource})
        self._repository = self._defs.get_repository_def()
        self._keys: set[str] = set()

    def tick(self, schedule: str, at: datetime) -> list[dg.ExecuteInProcessResult]:
        """Tick a schedule and execute the runs that it requests."""
        found = self._repository.get_schedule_def(schedule)
        with dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=at, repository_def=self._repository
        ) as context:
            requests = found.evaluate_tick(context).run_requests or ()
        return self._run(requests, found.job_name)

    def evaluate(self, sensor: str) -> list[dg.ExecuteInProcessResult]:
        """Evaluate a sensor and execute the runs that it requests."""
        found: Any = self._repository.get_sensor_def(sensor)
        only = found.targets[0].job_name if len(found.targets) == 1 else ""
        return self._run(self.requests(sensor), only)

    def requests(self, sensor: str) -> Sequence[dg.RunRequest]:
        """Evaluate a sensor and return the runs that it requests, without executing them."""
        with dg.build_sensor_context(
            instance=self.instance, repository_def=self._repository, resources={"tidemark": self.deployment.resource}
        ) as context:
            return self._repository.get_sensor_def(sensor).evaluate_tick(context).run_requests or ()

    def evaluate_until_quiet(self, *sensors: str) -> None:
        """Evaluate sensors until none requests a run."""
        while sum(len(self.evaluate(sensor)) for sensor in sensors):
            pass

    def _run(self, requests: Sequence[dg.RunRequest], job: str) -> list[dg.ExecuteInProcessResult]:
        fresh = [r for r in requests if r.run_key is None or r.run_key not in self._keys]
        self._keys.update(r.run_key for r in fresh if r.run_key)
        return [self._execute(request, request.job_name or job) for request in fresh]

    def _execute(self, request: dg.RunRequest, job: str) -> dg.ExecuteInProcessResult:
        span = [value for tag, value in sorted(request.tags.items(), reverse=True) if "partition_range" in tag]
        self.runs.append((job, request.partition_key or "…".join(span)))
        return self._defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=request.partition_key, tags=dict(request.tags),
            asset_selection=list(request.asset_selection) if request.asset_selection else None, raise_on_error=False,
        )  # fmt: skip
