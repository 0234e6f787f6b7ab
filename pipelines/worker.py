"""The Celery app of workers: `celery -A pipelines.worker worker`, with the settings of the machine that starts runs."""

import logging

from celery import Celery
from celery.signals import setup_logging
from dagster._utils.log import get_structlog_json_formatter
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from metrics.settings import load_settings
from pipelines import definitions  # noqa: F401  # loaded once, before the worker's processes are forked
from pipelines.scale.config import broker
from pipelines.scale.executor import StepExecutor
from pipelines.scale.leases import KeepLeases, Leases


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def log_json(loglevel: int = logging.INFO, **_rest: object) -> None:
    """Log one JSON object per line, like Dagster's processes with `--log-format json`; Celery then adds no handler."""
    handler = logging.StreamHandler()
    handler.setFormatter(get_structlog_json_formatter())
    logging.basicConfig(level=loglevel, handlers=[handler], force=True)


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
