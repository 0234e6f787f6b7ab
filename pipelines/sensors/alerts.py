"""Sensors that tell people: a run failed, an account has to be connected again."""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME

from metrics.clock import utcnow
from metrics.errors import Unavailable
from metrics.settings import Settings
from pipelines.resources import Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.tags import OPERATION, PARTITION, RANGE_END, RANGE_START, WILL_RETRY
from pipelines.sensors import notifications as alerts

_LONGEST_MESSAGE = 500
_SENT_AGAIN = timedelta(hours=1)
"""A receiver that is away for longer holds up the alerts of later runs no more."""


_INTERNAL_ERRORS_OF = timedelta(hours=3)
"""The slots whose records are looked at for errors of ours: those that a sensor that was stopped for a while missed."""


class Untold(dg.DagsterError):
    """Nobody was told. After any other error than Dagster's own a sensor of failed runs goes on to the next run."""


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=SENSOR_STATUS,
    description="Tells, once, which accounts wait for a person, because their token is dead or the platform does not "
    "know them any more: to the URLs in TIDEMARK_ALERT_URLS.",
)
def alert_needs_reauth(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
    """Send one message for all accounts that began to wait since the last one; one that nobody took is sent again."""
    clients = tidemark.clients()
    if not clients.settings.alert_urls:
        return dg.SkipReason("TIDEMARK_ALERT_URLS is not set")
    waiting = clients.store.accounts.find(states=["needs_reauth", "unreachable"])
    message = alerts.reauth_message(waiting, alerts.told(context.cursor))
    if message is not None and not _told(context, clients.settings, *message):
        raise Untold("no receiver of TIDEMARK_ALERT_URLS took the alert; it is sent again")
    # An account that was connected again leaves the cursor: the next time is news.
    context.update_cursor(json.dumps(sorted(account["_id"] for account in waiting)))
    return dg.SkipReason(message[0] if message else "no account began to wait for a person")


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Tells of errors in Tidemark's own code that kept accounts from being collected: once per place in six "
    "hours, to the URLs in TIDEMARK_ALERT_URLS.",
)
def alert_internal_errors(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
    """Send one message per error that nobody foresaw, with the number of accounts that it kept back."""
    clients = tidemark.clients()
    if not clients.settings.alert_urls:
        return dg.SkipReason("TIDEMARK_ALERT_URLS is not set")
    found = clients.store.collections.internal_errors(since=utcnow() - _INTERNAL_ERRORS_OF)
    news = [(place, count) for place, count in found.items() if alerts.first_time(clients.redis, place)]
    if not news:
        return dg.SkipReason("no new error")
    body = "\n".join(f"{place}: {count} accounts" for place, count in news)
    if not _told(context, clients.settings, "Tidemark: accounts failed because of an error in Tidemark", body):
        for place, _ in news:
            alerts.forget(clients.redis, place)
        raise Untold("no receiver of TIDEMARK_ALERT_URLS took the alert; it is sent again")
    return dg.SkipReason(f"told of {len(news)} errors")


@dg.run_failure_sensor(
    minimum_interval_seconds=15,
    default_status=SENSOR_STATUS,
    description="Tells of failed runs: once per job and partition in six hours, not once per retry.",
)
def alert_run_failures(context: dg.RunFailureSensorContext, tidemark: Tidemark) -> dg.SkipReason | None:
    """Send one message for a failed run that is not tried again; one that nobody took is sent again for an hour."""
    run = context.dagster_run
    try:
        clients = tidemark.clients()
    except Unavailable as error:
        raise Untold(f"{error}; the alert is sent again") from error
    if not clients.settings.alert_urls or run.tags.get(WILL_RETRY) == "true":
        return dg.SkipReason("TIDEMARK_ALERT_URLS is not set, or the run is tried again")
    if OPERATION in run.tags:
        return dg.SkipReason("whoever asked for the operation is told by its outcome")
    what = _what(run)
    if not alerts.first_time(clients.redis, what):
        return dg.SkipReason(f"{what} was told of")
    if not _told(context, clients.settings, f"Tidemark: {what} failed", f"run {run.run_id}\n{_why(context)}"):
        alerts.forget(clients.redis, what)
        if utcnow() - _ended(context) < _SENT_AGAIN:
            raise Untold("no receiver of TIDEMARK_ALERT_URLS took the alert; it is sent again")
        raise RuntimeError(f"no receiver of TIDEMARK_ALERT_URLS took the alert for {_SENT_AGAIN}: it is given up")
    return None


def _told(
    context: dg.SensorEvaluationContext | dg.RunFailureSensorContext, settings: Settings, title: str, body: str
) -> bool:
    """Tell whether anybody took a message. Those who did not are not worth telling the others again."""
    taken, receivers = alerts.send(settings, title, body), len(settings.alert_urls)
    if 0 < taken < receivers:
        context.log.warning("%s of %s receivers of TIDEMARK_ALERT_URLS did not take it", receivers - taken, receivers)
    return taken > 0


def _what(run: dg.DagsterRun) -> str:
    """Return what a run was about: its job, or the assets that somebody launched without one, and its partitions."""
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    name = ", ".join(assets) if run.job_name == IMPLICIT_ASSET_JOB_NAME and assets else run.job_name
    partition = run.tags.get(PARTITION) or "…".join(run.tags[k] for k in (RANGE_START, RANGE_END) if k in run.tags)
    return f"{name} {partition}".strip()


def _ended(context: dg.RunFailureSensorContext) -> datetime:
    (record,) = context.instance.get_run_records(dg.RunsFilter(run_ids=[context.dagster_run.run_id]))
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


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


ALERTS = [alert_needs_reauth, alert_internal_errors, alert_run_failures]
