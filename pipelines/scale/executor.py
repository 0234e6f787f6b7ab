"""The Dagster executor for Celery workers: submit each step of a run as a Celery task, and watch it until it ends."""

from collections.abc import Iterator, Mapping
from functools import partial

import dagster as dg
from celery import Celery
from dagster import multiple_process_executor_requirements
from dagster._core.events import EngineEventData
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._core.storage.tags import PRIORITY_TAG
from dagster_celery.core_execution_loop import core_celery_execution_loop
from dagster_celery.executor import CeleryExecutor, _submit_task

from metrics.settings import Settings, load_settings
from pipelines.scale.config import broker, broker_url, config_source
from pipelines.scale.leases import Leases
from pipelines.scale.watched import WatchedStep


class StepExecutor(CeleryExecutor):
    """dagster-celery's executor with the broker of the settings, which resubmits steps of workers that are gone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        url = broker_url(settings)
        super().__init__(RetryMode.ENABLED, broker=url, backend=url, config_source=config_source())  # type: ignore[no-untyped-call]

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Execute a plan, one task per step."""
        with broker(self._settings) as redis:
            submit = partial(_watched, Leases(redis))
            yield from core_celery_execution_loop(plan_context, execution_plan, step_execution_fn=submit)


def _watched(
    leases: Leases,
    app: Celery,
    context: PlanOrchestrationContext,
    step: ExecutionStep,
    queue: str,
    _priority: int,
    known: KnownExecutionState | None,
) -> WatchedStep:
    priority = celery_priority(context.dagster_run.tags)
    submit = partial(_submit_task, app, context, step, queue, priority, known)

    def say(message: str) -> None:
        context.instance.report_engine_event(
            message, context.dagster_run, EngineEventData(), StepExecutor, step_key=step.key
        )

    return WatchedStep(submit, leases, say)


def celery_priority(tags: Mapping[str, str]) -> int:
    """Return the Celery priority of a run's steps. With Redis as broker, unlike with others, 0 is first and 9 last.

    The order is: the hour that just ended, operations, rollups, everything else.
    """
    priority = int(tags.get(PRIORITY_TAG, 0))
    if priority >= 30:
        return 0
    if priority >= 20:
        return 3
    return 6 if priority >= 10 else 9


@dg.executor(name="celery", requirements=multiple_process_executor_requirements())
def celery_executor(_context: dg.InitExecutorContext) -> StepExecutor:
    """Execute each step on a Celery worker; docs/settings.md has the settings of broker and workers."""
    return StepExecutor(load_settings())
