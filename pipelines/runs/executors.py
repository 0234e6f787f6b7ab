"""Where the steps of runs are executed: in the run's process, in one each, on Celery workers, in Kubernetes jobs."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import dagster as dg

from metrics.errors import SettingsError
from metrics.settings import Executor


def executor(name: Executor) -> dg.ExecutorDefinition:
    """Return Dagster's executor for the setting `TIDEMARK_EXECUTOR`.

    Raises:
        SettingsError: it needs a package that is not installed.
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
    # A step in a process of its own costs as much again as the run; threads do the work inside.
    "in_process": lambda: dg.in_process_executor,
    "multiprocess": lambda: dg.multiprocess_executor,
    "celery": _celery,
    "k8s": _k8s,
}
