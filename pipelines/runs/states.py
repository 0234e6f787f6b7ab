"""States of Dagster's runs."""

from dagster import DagsterRunStatus

UNDER_WAY = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
"""Of runs that have a process, or are about to get one."""

UNFINISHED = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, *UNDER_WAY]
"""Of runs that wait or work."""
