"""Reads of `subject_rollups` and `aggregated_metrics`. `pipelines.rollup` alone writes them."""

from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import cast

from bson.codec_options import CodecOptions
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor
from pymongo.database import Database

from metrics.calendars import UTC_CALENDAR
from metrics.clock import isoformat
from metrics.documents import AggregatedDocument, Document, Platform
from metrics.periods import Period
from metrics.store.errors import mongo_errors
from metrics.store.setup.namespaces import Namespace

BOOKKEEPING = ("rollId", "changedBy", "changedAt", "basis", "answersFor")
"""Fields that only roll-ups use; reads leave them out."""
_INSTANTS = ("periodStart", "periodEnd", "computedAt")
"""The instants that a rollup has apart from its bookkeeping."""

_BATCH = 1000
_NAIVE: CodecOptions[Document] = CodecOptions(tz_aware=False)
"""Decodes instants without their time zone: PyMongo takes a third of the time for a document to add it to three."""


class _AwareInstants(dict[datetime, datetime]):
    """Instants in UTC by the same instants without a time zone. Many documents share their instants."""

    def __missing__(self, naive: datetime) -> datetime:
        aware = self[naive] = naive.replace(tzinfo=UTC)
        return aware


def rollup_id(subject_or_account_id: str, period: Period, start: datetime, version: int = 0) -> str:
    """Return the `_id` of a rollup, which follows from its arguments; `version` is that of its calendar."""
    return f"{subject_or_account_id}|{period_of_id(period, version)}|{isoformat(start)}"


def period_of_id(period: Period, version: int) -> str:
    """Return the middle part of the `_id` of a rollup: `daily`, or `daily:3` in version 3 of the calendar."""
    return f"{period}:{version}" if version else period


def derived_by(version: int) -> Document:
    """Return a filter on rollups that were derived by a version of their workspace's calendar.

    Rollups of earlier versions of Tidemark have no such field: theirs is the UTC calendar, version 0.
    """
    return {"calendarVersion": version or {"$in": [0, None]}}


def answering_for(version: int) -> Document:
    """Return a filter on the rollups that answer reads by a version of their workspace's calendar.

    These are the rollups that were derived by it, and those of former calendars that can no longer be derived.
    """
    return {"$or": [derived_by(version), {"answersFor": version}]} if version else derived_by(0)


class Rollups:
    """Reads of rollups."""

    def __init__(self, db: Database[Document], names: Namespace, prefix: str = "") -> None:
        self.subjects, self.accounts = (db[f"{prefix}{name}"] for name in names.rollups)

    def aggregated(
        self,
        workspace_id: str,
        period: Period,
        start: datetime,
        end: datetime,
        *,
        version: int = 0,
        platform: Platform | None = None,
        account_ids: Sequence[str] | None = None,
        fields: Sequence[str] = (),
    ) -> list[AggregatedDocument]:
        """Return account rollups of periods that start in `[start, end)`, by start, then account, without `_id`.

        `version` is that of the workspace's calendar.

        With `fields`, only these are read, and which account and which instants each rollup is of.
        """
        query: Document = {
            "workspaceId": workspace_id,
            "period": period,
            "periodStart": {"$gte": start, "$lt": end},
            **answering_for(version),
        }
        if platform is not None:
            query["platform"] = platform
        if account_ids is not None:
            query["accountId"] = {"$in": list(account_ids)}
        with mongo_errors():
            naive = self.accounts.with_options(codec_options=_NAIVE)
            only = dict.fromkeys(("accountId", *_INSTANTS, *fields), 1) if fields else dict.fromkeys(BOOKKEEPING, 0)
            found = naive.find(query, {**only, "_id": 0})
            # The index gives the order by start; to sort by account as well, MongoDB would have to sort all in memory.
            rows = list(found.sort("periodStart", 1))
        aware = _AwareInstants()
        for row in rows:
            for name in _INSTANTS:
                row[name] = aware[row[name]]
            if "periodLabel" not in row:
                # A rollup of an earlier version of Tidemark, which `migrate_documents` has not labelled yet.
                row |= {"periodLabel": UTC_CALENDAR.label(period, row["periodStart"].date()), "calendarVersion": 0}
        return cast("list[AggregatedDocument]", sorted(rows, key=itemgetter("periodStart", "accountId")))

    def aggregate_subjects(self, stages: Sequence[Document]) -> CommandCursor[Document]:
        """Run an aggregation over the rollups of subjects.

        Errors that occur while the caller reads the cursor are PyMongo's: use `mongo_errors` around the reading.
        """
        with mongo_errors():
            return self.subjects.aggregate(stages, allowDiskUse=True)

    def present(self, ids: Sequence[str]) -> set[str]:
        """Return which of these `_id`s of account rollups exist."""
        with mongo_errors():
            return {row["_id"] for row in self.accounts.find({"_id": {"$in": list(ids)}}, {"_id": 1})}

    def starts(self, workspace_id: str, period: Period, version: int = 0) -> list[datetime]:
        """Return the starts of all periods of a workspace that have account rollups, oldest first."""
        query = {"workspaceId": workspace_id, "period": period, **answering_for(version)}
        with mongo_errors():
            return sorted(self.accounts.distinct("periodStart", query))

    def statuses(
        self, workspace_ids: Sequence[str], period: Period, start: datetime, version: int = 0
    ) -> dict[str, str]:
        """Return the status of every account rollup of one period in one version of calendar, by account id."""
        workspaces = {"$in": list(workspace_ids)}
        query = {"workspaceId": workspaces, "period": period, "periodStart": start, **derived_by(version)}
        with mongo_errors():
            found = self.accounts.find(query, {"_id": 0, "accountId": 1, "status": 1})
            return {row["accountId"]: row["status"] for row in found}

    def stream(
        self, workspace_id: str, period: Period, start: datetime, end: datetime, version: int = 0
    ) -> Generator[AggregatedDocument, None, None]:
        """Yield account rollups of periods that start in `[start, end)`, by start, then account, as of one instant."""
        found = self._stream(self.accounts, "accountId", workspace_id, period, (start, end), version)
        return cast("Generator[AggregatedDocument, None, None]", found)

    def stream_posts(
        self, workspace_id: str, period: Period, start: datetime, end: datetime, version: int = 0
    ) -> Generator[Document, None, None]:
        """Yield rollups of posts of periods that start in `[start, end)`, by start, then post, as of one instant."""
        for row in self._stream(self.subjects, "subjectId", workspace_id, period, (start, end), version):
            if row["metricType"] != "account":
                yield row

    @staticmethod
    def _stream(
        collection: Collection[Document],
        subject: str,
        workspace_id: str,
        period: Period,
        starts: tuple[datetime, datetime],
        version: int,
    ) -> Generator[Document, None, None]:
        within = {"$gte": starts[0], "$lt": starts[1]}
        query = {"workspaceId": workspace_id, "period": period, "periodStart": within, **answering_for(version)}
        order = [("periodStart", 1), (subject, 1)]
        fields = dict.fromkeys(BOOKKEEPING, 0)
        with (
            mongo_errors(),
            collection.database.client.start_session(snapshot=True) as session,
            collection.find(query, fields, session=session, batch_size=_BATCH, allow_disk_use=True).sort(
                order
            ) as cursor,
        ):
            yield from cursor
