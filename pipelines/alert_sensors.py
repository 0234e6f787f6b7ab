"""Sensors that tell people: a run failed, an account has to be connected again."""

import json

import dagster as dg

from pipelines import alerts
from pipelines.resources import Tidemark
from pipelines.tags import OPERATION, PARTITION, RANGE_END, RANGE_START, WILL_RETRY

_LONGEST_MESSAGE = 500


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells, once, which accounts wait for a person: to the URLs in TIDEMARK_ALERT_URLS.",
)
def alert_needs_reauth(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
    """Send one message for all accounts that began to wait since the last one; one that nobody took is sent again."""
    clients = tidemark.clients()
    urls = clients.settings.alert_urls
    if not urls:
        return dg.SkipReason("TIDEMARK_ALERT_URLS is not set")
    waiting = clients.store.accounts.find(states=["needs_reauth"])
    message = alerts.reauth_message(waiting, alerts.told(context.cursor))
    if message is not None and not alerts.send(urls, *message):
        raise RuntimeError("not every receiver of TIDEMARK_ALERT_URLS took the alert; it is sent again")
    # An account that was connected again leaves the cursor: the next time is news.
    context.update_cursor(json.dumps(sorted(account["_id"] for account in waiting)))
    return dg.SkipReason(message[0] if message else "no account began to wait for a person")


@dg.run_failure_sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of failed runs: once per job and partition in six hours, not once per retry.",
)
def alert_run_failures(context: dg.RunFailureSensorContext, tidemark: Tidemark) -> dg.SkipReason | None:
    """Send one message for a failed run that is not tried again."""
    clients, run = tidemark.clients(), context.dagster_run
    urls = clients.settings.alert_urls
    if not urls or run.tags.get(WILL_RETRY) == "true":
        return dg.SkipReason("TIDEMARK_ALERT_URLS is not set, or the run is tried again")
    if OPERATION in run.tags:
        return dg.SkipReason("whoever asked for the operation is told by its outcome")
    partition = run.tags.get(PARTITION) or "…".join(run.tags[k] for k in (RANGE_START, RANGE_END) if k in run.tags)
    what = f"{run.job_name} {partition}".strip()
    if not alerts.first_time(clients.redis, what):
        return dg.SkipReason(f"{what} was told of")
    body = f"run {run.run_id}\n{_why(context)}"
    if not alerts.send(urls, f"Tidemark: {what} failed", body):
        alerts.forget(clients.redis, what)
        raise RuntimeError("not every receiver of TIDEMARK_ALERT_URLS took the alert")
    return None


def _why(context: dg.RunFailureSensorContext) -> str:
    """Return a line per failed step, or what Dagster says where none had begun."""
    lines = []
    for event in context.get_step_failure_events():
        failure = event.step_failure_data
        said = failure.user_failure_data.description if failure.user_failure_data else None
        if said is None and failure.error is not None:
            said = (failure.error.cause or failure.error).message
        lines.append(f"{event.step_key}: {(said or 'failed').strip()[:_LONGEST_MESSAGE]}")
    return "\n".join(lines) or (context.failure_event.message or "")[:_LONGEST_MESSAGE]


ALERTS = [alert_needs_reauth, alert_run_failures]
