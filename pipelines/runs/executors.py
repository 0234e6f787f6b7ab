"""Dagster's executors by setting: in the run's process, a process per step, Celery workers, or Kubernetes jobs."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import dagster as dg

from metrics.errors import SettingsError
from metrics.settings import Executor


def executor(name: Executor) -> dg.ExecutorDefinition:
    """Return Dagster's executor for the setting `TIDEMARK_EXECUTOR`.

    Raises:
        SettingsError: the executor needs a package that is not installed.
    """
    return _EXECUTORS[name]()


def _celery() -> dg.ExecutorDefinition:
    _require("dagster_celery", "celery", "scale")
    from pipelines.scale.executor import celery_executor  # an extra that few need

    return celery_executor


def _k8s() -> dg.ExecutorDefinition:
    _require("dagster_k8s", "k8s", "k8s")
    from dagster_k8s import k8s_job_executor  # an extra that few need

    found: dg.ExecutorDefinition = k8s_job_executor
    return found


def _require(module: str, name: str, extra: str) -> None:
    if find_spec(module) is None:
        raise SettingsError(f"TIDEMARK_EXECUTOR: {name} needs the extra `{extra}`: pip install 'tidemark[{extra}]'")


_EXECUTORS: Mapping[Executor, Callable[[], dg.ExecutorDefinition]] = {
    # The default. A process per step would cost as much again as the run, and a step has threads of its own.
    "in_process": lambda: dg.in_process_executor,
    "multiprocess": lambda: dg.multiprocess_executor,
    "celery": _celery,
    "k8s": _k8s,
}
