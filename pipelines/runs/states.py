"""Groups of statuses of Dagster runs."""

from dagster import DagsterRunStatus

UNDER_WAY = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
"""Statuses of runs that have a process, or are about to get one."""

UNFINISHED = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, *UNDER_WAY]
"""Statuses of runs that are queued or under way."""
