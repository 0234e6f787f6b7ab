"""The collection `quarantine`: metrics that an API refuses for everybody, by kind of subject and version of the API."""

from collections.abc import Iterable
from datetime import timedelta
from typing import cast

from pymongo import UpdateOne
from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document, Platform, RefusedMetric
from metrics.store.errors import mongo_errors

TRIED_AGAIN = timedelta(days=1)
"""After that long one post is asked again for a metric in quarantine."""


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
            now = utcnow()
            document = {"platform": platform, "apiVersion": api_version, **one, "since": now, "triedAt": now}
            key = _key(platform, api_version, one)
            writes.append(UpdateOne({"_id": key}, {"$setOnInsert": document}, upsert=True))
        if writes:
            with mongo_errors():
                self._refused.bulk_write(writes, ordered=False)

    def claim(self, platform: Platform, api_version: str, refused: RefusedMetric) -> bool:
        """Tell whether it is the caller's turn to ask for a metric again: one caller a day gets the turn."""
        key, now = _key(platform, api_version, refused), utcnow()
        due = {"$or": [{"triedAt": {"$lt": now - TRIED_AGAIN}}, {"triedAt": {"$exists": False}}]}
        with mongo_errors():
            return self._refused.update_one({"_id": key, **due}, {"$set": {"triedAt": now}}).modified_count == 1

    def lift(self, platform: Platform, api_version: str, answered: Iterable[RefusedMetric]) -> None:
        """Take metrics out of quarantine: the API answers them again."""
        keys = [_key(platform, api_version, one) for one in answered]
        if keys:
            with mongo_errors():
                self._refused.delete_many({"_id": {"$in": keys}})


def _key(platform: Platform, api_version: str, one: RefusedMetric) -> str:
    return "|".join((platform, api_version, one["metricType"], one["contentType"], one["metric"]))
