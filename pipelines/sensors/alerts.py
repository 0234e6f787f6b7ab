"""Sensors that send alerts: a run failed, an account must be connected again, or Tidemark's own code failed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME

from metrics.clock import utcnow
from metrics.errors import Unavailable
from metrics.settings import Settings
from pipelines.resources import Clients, Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.tags import OPERATION, PARTITION, RANGE_END, RANGE_START, WILL_RETRY
from pipelines.sensors import notifications

_LONGEST_MESSAGE = 500
_SENT_AGAIN = timedelta(hours=1)
"""How long an alert that no receiver took is sent again; after that it is given up, so that later ones are sent."""

_INTERNAL_ERRORS_OF = timedelta(hours=3)
"""How far back records are searched for internal errors, so that a sensor that was stopped for a while misses none."""


class AlertNotSent(dg.DagsterError):
    """No receiver took the alert.

    This is an error of Dagster's, because after any other error a run failure sensor goes on to the next run.
    """


def _alert_sensor(
    seconds: int, description: str
) -> Callable[[Callable[[dg.SensorEvaluationContext, Clients], dg.SkipReason]], dg.SensorDefinition]:
    """Declare a sensor, evaluated every `seconds`, that skips as long as no receiver of alerts is set."""

    def declare(evaluate: Callable[[dg.SensorEvaluationContext, Clients], dg.SkipReason]) -> dg.SensorDefinition:
        @dg.sensor(
            name=evaluate.__name__,
            minimum_interval_seconds=seconds,
            default_status=SENSOR_STATUS,
            description=description,
        )
        def sensor(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
            clients = tidemark.clients()
            if not clients.settings.alert_urls:
                return dg.SkipReason("TIDEMARK_ALERT_URLS is not set")
            return evaluate(context, clients)

        return sensor

    return declare


@_alert_sensor(
    seconds=30,
    description="Sends an alert, once, for accounts that need a person, because their token is invalid or the platform "
    "denies them: to the URLs in TIDEMARK_ALERT_URLS.",
)
def alert_needs_reauth(context: dg.SensorEvaluationContext, clients: Clients) -> dg.SkipReason:
    """Send one message for all accounts that need a person since the last one; retry it until a receiver takes it."""
    waiting = clients.store.accounts.find(states=["needs_reauth", "unreachable"])
    message = notifications.reauth_message(waiting, notifications.alerted_accounts(context.cursor))
    if message is not None and not _send(context, clients.settings, *message):
        raise AlertNotSent("no receiver of TIDEMARK_ALERT_URLS took the alert; it is sent again")
    # An account that was connected again is not in the new cursor, so the next failure is announced again.
    context.update_cursor(json.dumps(sorted(account["_id"] for account in waiting)))
    return dg.SkipReason(message[0] if message else "no further account needs a person")


@_alert_sensor(
    seconds=60,
    description="Sends alerts for errors in Tidemark's own code because of which accounts were not collected: once per "
    "place in the code and six hours, to the URLs in TIDEMARK_ALERT_URLS.",
)
def alert_internal_errors(context: dg.SensorEvaluationContext, clients: Clients) -> dg.SkipReason:
    """Send one message with all new internal errors, and the number of accounts that each made fail."""
    found = clients.store.collections.internal_errors(since=utcnow() - _INTERNAL_ERRORS_OF)
    news = [(place, count) for place, count in found.items() if notifications.is_first_alert(clients.redis, place)]
    if not news:
        return dg.SkipReason("no new error")
    body = "\n".join(f"{place}: {count} accounts" for place, count in news)
    if not _send(context, clients.settings, "Tidemark: accounts failed because of an error in Tidemark", body):
        for place, _ in news:
            notifications.forget_alert(clients.redis, place)
        raise AlertNotSent("no receiver of TIDEMARK_ALERT_URLS took the alert; it is sent again")
    return dg.SkipReason(f"sent an alert for {len(news)} errors")


@dg.run_failure_sensor(
    minimum_interval_seconds=15,
    default_status=SENSOR_STATUS,
    description="Sends alerts for failed runs that are not retried: once per job and partition in six hours.",
)
def alert_run_failures(context: dg.RunFailureSensorContext, tidemark: Tidemark) -> dg.SkipReason | None:
    """Send one message for a failed run that is not retried; if no receiver takes it, send it again for an hour."""
    run = context.dagster_run
    try:
        clients = tidemark.clients()
    except Unavailable as error:
        raise AlertNotSent(f"{error}; the alert is sent again") from error
    if not clients.settings.alert_urls or run.tags.get(WILL_RETRY) == "true":
        return dg.SkipReason("TIDEMARK_ALERT_URLS is not set, or the run is retried")
    if OPERATION in run.tags:
        return dg.SkipReason("no alert for an operation: its outcome reports the failure")
    what = _what(run)
    if not notifications.is_first_alert(clients.redis, what):
        return dg.SkipReason(f"an alert for {what} was sent before")
    if not _send(context, clients.settings, f"Tidemark: {what} failed", f"run {run.run_id}\n{_why(context)}"):
        notifications.forget_alert(clients.redis, what)
        if utcnow() - _ended(context) < _SENT_AGAIN:
            raise AlertNotSent("no receiver of TIDEMARK_ALERT_URLS took the alert; it is sent again")
        raise RuntimeError(f"no receiver of TIDEMARK_ALERT_URLS took the alert for {_SENT_AGAIN}: no further attempt")
    return None


def _send(
    context: dg.SensorEvaluationContext | dg.RunFailureSensorContext, settings: Settings, title: str, body: str
) -> bool:
    """Send a message; return whether any receiver took it. It is not sent again to the others because of one."""
    taken, receivers = notifications.send(settings, title, body), len(settings.alert_urls)
    if 0 < taken < receivers:
        context.log.warning("%s of %s receivers of TIDEMARK_ALERT_URLS did not take it", receivers - taken, receivers)
    return taken > 0


def _what(run: dg.DagsterRun) -> str:
    """Return the name of a run's work: its job, or the assets of a run without a job, and its partitions."""
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    name = ", ".join(assets) if run.job_name == IMPLICIT_ASSET_JOB_NAME and assets else run.job_name
    partition = run.tags.get(PARTITION) or "…".join(run.tags[k] for k in (RANGE_START, RANGE_END) if k in run.tags)
    return f"{name} {partition}".strip()


def _ended(context: dg.RunFailureSensorContext) -> datetime:
    (record,) = context.instance.get_run_records(dg.RunsFilter(run_ids=[context.dagster_run.run_id]))
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


def _why(context: dg.RunFailureSensorContext) -> str:
    """Return a line per failed step, or Dagster's own message if no step had begun."""
    lines = []
    for event in context.get_step_failure_events():
        failure = event.step_failure_data
        description = failure.user_failure_data.description if failure.user_failure_data else None
        if description is None and failure.error is not None:
            description = (failure.error.cause or failure.error).message
        lines.append(f"{event.step_key}: {(description or 'failed').strip()[:_LONGEST_MESSAGE]}")
    return "\n".join(lines) or (context.failure_event.message or "")[:_LONGEST_MESSAGE]


ALERTS = [alert_needs_reauth, alert_internal_errors, alert_run_failures]
