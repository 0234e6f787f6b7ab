"""The Celery app of workers: `celery -A pipelines.worker worker`, with the settings of the machine that starts runs."""

from celery import Celery
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from metrics.settings import load_settings
from pipelines import definitions  # noqa: F401  # loaded once, before the worker's processes are forked
from pipelines.scale.config import broker
from pipelines.scale.executor import StepExecutor
from pipelines.scale.leases import KeepLeases, Leases


def create_app() -> Celery:
    """Return the Celery app, which executes single steps of runs.

    Raises:
        SettingsError: a setting is wrong or missing.
    """
    settings = load_settings()
    made = make_app(StepExecutor(settings).app_args())  # type: ignore[no-untyped-call]
    create_task(made)
    KeepLeases.leases = Leases(broker(settings))
    made.steps["worker"].add(KeepLeases)
    return made


app = create_app()
