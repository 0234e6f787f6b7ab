"""The collection `quarantine`: metrics that an API refuses for everybody, by kind of subject and API version."""

from collections.abc import Iterable
from datetime import timedelta
from typing import cast

from pymongo import UpdateOne
from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document, Platform, RefusedMetric
from metrics.store.errors import mongo_errors

TRIED_AGAIN = timedelta(days=1)
"""The interval at which a metric in quarantine is requested again, for one post."""


class QuarantinedMetrics:
    """Reads and writes of refused metrics."""

    def __init__(self, db: Database[Document]) -> None:
        self._refused = db["quarantine"]

    def of(self, platform: Platform, api_version: str) -> list[RefusedMetric]:
        """Return the metrics that a version of an API refuses."""
        fields = {"_id": 0, "metric": 1, "metricType": 1, "contentType": 1, "message": 1}
        with mongo_errors():
            found = self._refused.find({"platform": platform, "apiVersion": api_version}, fields)
            return cast("list[RefusedMetric]", list(found))

    def add(self, platform: Platform, api_version: str, refused: Iterable[RefusedMetric]) -> None:
        """Store refused metrics; one that is stored already keeps its date."""
        writes = []
        for one in refused:
            now = utcnow()
            document = {"platform": platform, "apiVersion": api_version, **one, "since": now, "triedAt": now}
            key = _key(platform, api_version, one)
            writes.append(UpdateOne({"_id": key}, {"$setOnInsert": document}, upsert=True))
        if writes:
            with mongo_errors():
                self._refused.bulk_write(writes, ordered=False)

    def claim(self, platform: Platform, api_version: str, refused: RefusedMetric) -> bool:
        """Tell whether the caller may request a metric again; once a day, one caller gets True."""
        key, now = _key(platform, api_version, refused), utcnow()
        due = {"$or": [{"triedAt": {"$lt": now - TRIED_AGAIN}}, {"triedAt": {"$exists": False}}]}
        with mongo_errors():
            return self._refused.update_one({"_id": key, **due}, {"$set": {"triedAt": now}}).modified_count == 1

    def lift(self, platform: Platform, api_version: str, answered: Iterable[RefusedMetric]) -> None:
        """Remove metrics that the API answers again from quarantine."""
        keys = [_key(platform, api_version, one) for one in answered]
        if keys:
            with mongo_errors():
                self._refused.delete_many({"_id": {"$in": keys}})


def _key(platform: Platform, api_version: str, one: RefusedMetric) -> str:
    return "|".join((platform, api_version, one["metricType"], one["contentType"], one["metric"]))
