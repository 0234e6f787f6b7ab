"""The collection `quarantine`: metrics that an API refuses, per kind of subject and version of the API, for a week."""

from collections.abc import Iterable
from typing import cast

from pymongo import UpdateOne
from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document, Platform, RefusedMetric
from metrics.store.errors import mongo_errors


class QuarantinedMetrics:
    """Reads and writes of refused metrics."""

    def __init__(self, db: Database[Document]) -> None:
        self._refused = db["quarantine"]

    def of(self, platform: Platform, api_version: str) -> list[RefusedMetric]:
        """Return what a version of an API is known to refuse."""
        fields = {"_id": 0, "metric": 1, "metricType": 1, "contentType": 1, "message": 1}
        with mongo_errors():
            found = self._refused.find({"platform": platform, "apiVersion": api_version}, fields)
            return cast("list[RefusedMetric]", list(found))

    def add(self, platform: Platform, api_version: str, refused: Iterable[RefusedMetric]) -> None:
        """Note refusals; one that is known keeps its date."""
        writes = []
        for one in refused:
            key = "|".join((platform, api_version, one["metricType"], one["contentType"], one["metric"]))
            document = {"platform": platform, "apiVersion": api_version, **one, "since": utcnow()}
            writes.append(UpdateOne({"_id": key}, {"$setOnInsert": document}, upsert=True))
        if writes:
            with mongo_errors():
                self._refused.bulk_write(writes, ordered=False)
