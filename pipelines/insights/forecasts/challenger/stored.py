"""The stored challengers that a forecast at an instant, and its back-test, may ask."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from metrics.forecasts import CHALLENGER
from metrics.periods import DAY
from metrics.store import Store
from metrics.store.insights.forecast_models import ForecastModelDocument, Grain
from pipelines.insights.forecasts.challenger.model import Challenger, Learned
from pipelines.insights.forecasts.challenger.trees import Trees

APART: Mapping[Grain, tuple[timedelta, int]] = {"day": (28 * DAY, 8), "hour": (7 * DAY, 4)}
"""How far apart the instants of the first models are, and how many: back to the oldest origin of a back-test."""


def challenger(store: Store, grain: Grain, until: datetime) -> Challenger:
    """Return the models of a grain that know nothing later than an instant.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    apart, count = APART[grain]
    found = store.forecast_models.between(grain, CHALLENGER, until - (count + 1) * apart, until)
    return Challenger([learned(one) for one in found])


def learned(document: ForecastModelDocument) -> Learned:
    """Return the model of a document."""
    return Learned(document["_id"], document["knownUntil"], Trees.from_bytes(document["trees"]))
