"""Whether schedules and sensors are on from the start.

They are where `tidemark up` or a deployment says so (TIDEMARK_AUTOMATION). A branch that somebody opens with the
settings of a real deployment collects nothing by itself. What was switched in Dagster's UI stays as it is.
"""

import dagster as dg

from metrics.settings import load_settings

_ON = load_settings().automation
SCHEDULE_STATUS = dg.DefaultScheduleStatus.RUNNING if _ON else dg.DefaultScheduleStatus.STOPPED
SENSOR_STATUS = dg.DefaultSensorStatus.RUNNING if _ON else dg.DefaultSensorStatus.STOPPED
