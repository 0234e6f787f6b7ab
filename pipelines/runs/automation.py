"""The default status of schedules and sensors: running only with TIDEMARK_AUTOMATION.

`tidemark up` and deployments set that. So a code branch that is loaded with the settings of a real deployment collects
nothing by itself. A schedule or sensor that was switched in Dagster's UI keeps that status.
"""

import dagster as dg

from metrics.settings import load_settings

_ON = load_settings().automation
SCHEDULE_STATUS = dg.DefaultScheduleStatus.RUNNING if _ON else dg.DefaultScheduleStatus.STOPPED
SENSOR_STATUS = dg.DefaultSensorStatus.RUNNING if _ON else dg.DefaultSensorStatus.STOPPED
