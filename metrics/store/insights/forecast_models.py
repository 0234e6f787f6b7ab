"""The collection `forecast_models`: what was learned from the series of all accounts that allow it, week by week.

A document is of no account and no workspace, and never changes.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, TypedDict, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors
from metrics.store.insights.statements import add_new

NAME = "forecast_models"
Grain = Literal["day", "hour"]


class ForecastModelDocument(TypedDict):
    """A learned model. `_id` is `grain|knownUntil`.

    It knows nothing of `knownUntil` and later. `error` is the mean absolute error in log1p of an older model in rows of
    which that one knew nothing, and `errorOfCombination` that of the combination in the same rows; None without any.
    """

    _id: str
    grain: Grain
    version: str
    knownUntil: datetime
    trainedFrom: datetime
    madeAt: datetime
    runId: str
    series: int
    rows: int
    error: float | None
    errorOfCombination: float | None
    trees: bytes


def forecast_model_id(grain: Grain, known_until: datetime) -> str:
    """Return the `_id` of the model of a grain that knows nothing of an instant and later."""
    return f"{grain}|{known_until:%Y-%m-%d}"


class ForecastModels:
    """Reads and writes of learned models. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._models = db[NAME]
        self._settings = db["workspace_settings"]

    def add(self, document: ForecastModelDocument) -> bool:
        """Store a model, unless there is one of its grain and instant; tell whether it is new."""
        return add_new(self._models, [document]) == 1

    def between(self, grain: Grain, version: str, first: datetime, last: datetime) -> list[ForecastModelDocument]:
        """Return the models of a grain whose `knownUntil` lies between two instants, oldest first."""
        query = {"grain": grain, "version": version, "knownUntil": {"$gte": first, "$lte": last}}
        with mongo_errors():
            return cast("list[ForecastModelDocument]", list(self._models.find(query).sort("knownUntil", 1)))

    def kept_apart(self) -> Collection[str]:
        """Return the workspaces whose series are not learned from."""
        with mongo_errors():
            return {str(row["_id"]) for row in self._settings.find({"forecastPool": False}, {"_id": 1})}

    def pooled(self, workspace_id: str) -> bool:
        """Tell whether the series of a workspace are learned from, together with those of others."""
        return workspace_id not in self.kept_apart()

    def set_pooled(self, workspace_id: str, *, pooled: bool) -> None:
        """Set whether the series of a workspace are learned from; models that were made before stay."""
        change: Document = {"$unset": {"forecastPool": ""}} if pooled else {"$set": {"forecastPool": False}}
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, change, upsert=True)
