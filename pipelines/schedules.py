"""The schedules. Each requests the window that ended, although the partitions include the present one (`end_offset`).

At midnight the daily schedule fires while slot 23 is still being collected: the schedule makes sure that the day is
rolled up at all, and the sensor `late_data` rolls it up again once the slot is there.
"""

from datetime import UTC, datetime

import dagster as dg

from metrics.forecasts import WINDOW
from metrics.periods import DAY, HOUR, Period, period_start, previous_start
from metrics.settings import load_settings
from pipelines import jobs
from pipelines.partitions import ended_slot, period_key, slot_key
from pipelines.runs.automation import SCHEDULE_STATUS
from pipelines.runs.tags import ONE_PARTITION

_DAYS_AT = 6
"""The hour in which the days before are judged."""


@dg.schedule(
    name="collect_hourly",
    job=jobs.collect_hourly,
    cron_schedule="0 * * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="At the full hour: collects the hour that just ended for all active accounts of all platforms, in one "
    "run.",
)
def collect_hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request a collection of the hour that just ended."""
    key = slot_key(ended_slot(context.scheduled_execution_time))
    return dg.RunRequest(run_key=key, partition_key=key)


_NAMES: dict[Period, str] = {"daily": "UTC day", "weekly": "week from Monday", "monthly": "calendar month"}
_PARTS: dict[Period, str] = {"daily": "observations", "weekly": "days", "monthly": "days"}


def _after_each(period: Period, name: str, job: jobs.AssetJob, cron: str, description: str) -> dg.ScheduleDefinition:
    """Make a schedule that requests the partition of the newest period that has ended."""

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=SCHEDULE_STATUS,
        description=description,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        key = period_key(ended_period(period, context.scheduled_execution_time))
        return dg.RunRequest(run_key=key, partition_key=key, tags=ONE_PARTITION)

    return schedule


def _aggregate(period: Period, cron: str) -> dg.ScheduleDefinition:
    description = (
        f"After the end of each {_NAMES[period]}: rolls it up from its {_PARTS[period]}, for every workspace. "
        "For observations that come later, the sensor `late_data` rolls it up again."
    )
    return _after_each(period, f"aggregate_{period}", jobs.AGGREGATE[period], cron, description)


def ended_period(period: Period, instant: datetime) -> datetime:
    """Return the start of the newest period that had ended at `instant`."""
    return previous_start(period, period_start(period, instant))


forecast_daily = _after_each(
    "daily",
    "forecast_daily",
    jobs.forecast_daily,
    # Late hours and most providers' numbers of the day are there by then.
    "0 6 * * *",
    "Every morning: forecasts the days after the UTC day that ended, for every workspace.",
)
decay_daily = _after_each(
    "daily",
    "decay_daily",
    jobs.decay_daily,
    "30 6 * * *",
    "Every morning: says how fast posts age, from the posts of 180 days.",
)
train_forecasts = _after_each(
    "weekly",
    "train_forecasts",
    jobs.train_forecasts,
    # Before the forecasts of the day.
    "0 5 * * 1",
    "Every Monday: learns from all accounts that allow it how forecasts err.",
)
best_times_weekly = _after_each(
    "weekly",
    "best_times_weekly",
    jobs.best_times_weekly,
    "45 6 * * 1",
    "Every Monday: says at which hours posts do better, from the posts of 180 days.",
)


@dg.schedule(
    name="find_anomalies",
    job=jobs.find_anomalies,
    # An hour that is collected in time is there by then.
    cron_schedule="25 * * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="Every hour: finds what was out of the ordinary in the day of the hour that ended. At 06:25 also in "
    "the three days before, whose late hours and daily numbers are there by then.",
)
def find_anomalies(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Request the day of the hour that ended; once a day also the days before it, oldest first, in one run each."""
    at = context.scheduled_execution_time
    hour = ended_slot(at)
    before = [period_start("daily", hour) - back * DAY for back in (3, 2, 1)] if at.hour == _DAYS_AT else []
    return [
        dg.RunRequest(run_key=f"{slot_key(hour)}|{period_key(day)}", partition_key=period_key(day), tags=ONE_PARTITION)
        for day in (*before, period_start("daily", hour))
    ]


@dg.schedule(
    name="forecast_hours",
    job=jobs.forecast_hours,
    # After the runs that look for anomalies derived what accounts gained in the hour that ended.
    cron_schedule="40 */6 * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="Every six hours: forecasts the next 48 hours, for every workspace.",
)
def forecast_hours(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the forecasts after the six hours that ended."""
    key = slot_key(ended_slot(context.scheduled_execution_time) + HOUR - WINDOW)
    return dg.RunRequest(run_key=key, partition_key=key, tags=ONE_PARTITION)


@dg.schedule(
    name="outlooks_hourly",
    job=jobs.outlooks_hourly,
    # After the hour was collected, and anomalies were looked for.
    cron_schedule="35 * * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="Every hour: says what becomes of the posts that came to an age in the hour that ended, and which of "
    "them break out.",
)
def outlooks_hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the outlooks and the breakouts of the hour that ended."""
    key = slot_key(ended_slot(context.scheduled_execution_time))
    return dg.RunRequest(run_key=key, partition_key=key, tags=ONE_PARTITION)


@dg.schedule(
    name="read_watched",
    job=jobs.read_watched,
    cron_schedule=load_settings().watch_schedule,
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="At TIDEMARK_WATCH_SCHEDULE: reads the public numbers of watched accounts, of the present UTC day, and "
    "rolls them up.",
)
def read_watched(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request a reading of the watched accounts that were not looked at on the present UTC day."""
    at = context.scheduled_execution_time.astimezone(UTC)
    return dg.RunRequest(run_key=f"{at:%Y-%m-%d %H:%M}", partition_key=period_key(at))


check_freshness = dg.ScheduleDefinition(
    name="check_freshness",
    job=jobs.check_freshness,
    # An hour that is collected in time is there by then.
    cron_schedule="20 * * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="Every hour: checks that the newest hour of every platform is in MongoDB.",
)


@dg.schedule(
    name="purge_history",
    job=jobs.purge_history,
    cron_schedule="40 3 * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="Every night: deletes Dagster's runs that are older than TIDEMARK_RUN_HISTORY_DAYS.",
)
def purge_history(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request one purge a day."""
    return dg.RunRequest(run_key=context.scheduled_execution_time.date().isoformat())


SCHEDULES = [
    collect_hourly,
    _aggregate("daily", "0 0 * * *"),
    _aggregate("weekly", "0 1 * * 1"),
    _aggregate("monthly", "0 2 1 * *"),
    forecast_daily,
    find_anomalies,
    forecast_hours,
    train_forecasts,
    outlooks_hourly,
    decay_daily,
    best_times_weekly,
    read_watched,
    check_freshness,
    purge_history,
]
