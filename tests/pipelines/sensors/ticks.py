"""Evaluates sensors as Dagster's daemon does, with the clients of a test and at an instant."""

from datetime import datetime
from types import ModuleType

import dagster as dg
import pytest

from pipelines.resources import Clients, Tidemark


def with_clients(clients: Clients) -> Tidemark:
    """Return a resource that has these clients."""

    class Fixed(Tidemark):
        def clients(self) -> Clients:
            return clients

    return Fixed()


def tick(sensor: dg.SensorDefinition, module: ModuleType, clients: Clients, now: datetime) -> str:
    """Evaluate a sensor, whose `module` asks for the time; return what it says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "utcnow", lambda: now)
        with dg.build_sensor_context(resources={"tidemark": with_clients(clients)}) as context:
            message = sensor.evaluate_tick(context).skip_message
    assert message is not None
    return message
