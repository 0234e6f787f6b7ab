"""The calendars of workspaces, in the collection `workspace_settings`; `_id` is the workspace.

The field `calendar` is the current one and `upcomingCalendar` the one that is being prepared, each as `{timeZone,
weekStart, fiscalYearStart, fiscalPattern, version}`. `formerCalendars` are the older ones whose rollups still answer,
each with `until`. A workspace without the field `calendar` has the UTC calendar, as version 0. The field `country`
belongs to no version: it bounds no period.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database

from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.calendars.workspace import UTC_WORKSPACE, Former, WorkspaceCalendar
from metrics.clock import utcnow
from metrics.documents import Document
from metrics.store.errors import mongo_errors

_FIELDS = {"calendar": 1, "upcomingCalendar": 1, "formerCalendars": 1, "calendarVersion": 1}


class Calendars:
    """Reads and writes of calendars."""

    def __init__(self, db: Database[Document]) -> None:
        self._settings = db["workspace_settings"]

    def get(self, workspace_id: str) -> WorkspaceCalendar:
        """Return the calendars of a workspace.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        return self.of([workspace_id])[workspace_id]

    def of(self, workspace_ids: Iterable[str]) -> dict[str, WorkspaceCalendar]:
        """Return the calendars of workspaces.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        wanted = list(workspace_ids)
        with mongo_errors():
            rows = {row["_id"]: row for row in self._settings.find({"_id": {"$in": wanted}}, _FIELDS)}
        return {name: _parsed(rows[name]) if name in rows else UTC_WORKSPACE for name in wanted}

    def country(self, workspace_id: str) -> str | None:
        """Return the code of the country whose holidays a workspace has; None if it has named none.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            row = self._settings.find_one({"_id": workspace_id}, {"country": 1}) or {}
        found: str | None = row.get("country")
        return found

    def set_country(self, workspace_id: str, country: str | None) -> None:
        """Set the country whose holidays a workspace has; None removes it.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        change = {"$unset": {"country": ""}} if country is None else {"$set": {"country": country}}
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, change, upsert=True)

    def prepare(self, workspace_id: str, calendar: Calendar) -> Calendar:
        """Store the calendar that shall follow the current one, with the next free version, and return it.

        A calendar that was being prepared is replaced. A repetition for the same calendar returns that one.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        known = self.get(workspace_id)
        if known.upcoming is not None and known.upcoming.described() == calendar.described():
            return known.upcoming
        with mongo_errors():
            row: Any = self._settings.find_one_and_update(
                {"_id": workspace_id},
                {"$inc": {"calendarVersion": 1}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
            version = row["calendarVersion"]
            upcoming = {**calendar.described(), "version": version, "preparedAt": utcnow()}
            self._settings.update_one(
                {"_id": workspace_id, "calendarVersion": version}, {"$set": {"upcomingCalendar": upcoming}}
            )
        return Calendar.parse(calendar.described(), version)

    def withdraw(self, workspace_id: str) -> None:
        """Give up the change to an upcoming calendar.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, {"$unset": {"upcomingCalendar": ""}})

    def with_upcoming(self) -> list[str]:
        """Return the workspaces that prepare another calendar, the one that waits longest first.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            rows = self._settings.find({"upcomingCalendar": {"$exists": True}}, {"_id": 1})
            return [row["_id"] for row in rows.sort([("upcomingCalendar.preparedAt", 1), ("_id", 1)])]

    def changed(self, before: datetime) -> list[str]:
        """Return the workspaces whose calendar was last changed before an instant.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            return [row["_id"] for row in self._settings.find({"calendarSince": {"$lt": before}}, {"_id": 1})]

    def prepared_at(self, workspace_id: str) -> datetime:
        """Return when the upcoming calendar was requested; if there is none any more, the present time.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        at: datetime = self._upcoming(workspace_id).get("preparedAt") or utcnow()
        return at

    def derived(self, workspace_id: str, calendar: Calendar) -> datetime | None:
        """Return the last day that was derived for an upcoming calendar, None before the first one.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        upcoming = self._upcoming(workspace_id)
        return upcoming.get("derived") if upcoming.get("version") == calendar.version else None

    def note_derived(self, workspace_id: str, calendar: Calendar, day: datetime) -> None:
        """Record that the days up to one were derived for an upcoming calendar.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        query = {"_id": workspace_id, "upcomingCalendar.version": calendar.version}
        with mongo_errors():
            self._settings.update_one(query, {"$set": {"upcomingCalendar.derived": day}})

    def _upcoming(self, workspace_id: str) -> Document:
        with mongo_errors():
            row = self._settings.find_one({"_id": workspace_id}, {"upcomingCalendar": 1}) or {}
        found: Document = row.get("upcomingCalendar") or {}
        return found

    def switch(self, workspace_id: str, calendar: Calendar, former: Iterable[Former]) -> bool:
        """Make the prepared calendar the current one, in one step; tell whether it was still the prepared one.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        older = [{**_stored(one.calendar), "until": one.until} for one in former]
        fields = {"calendar": _stored(calendar), "calendarSince": utcnow(), "formerCalendars": older}
        with mongo_errors():
            done = self._settings.update_one(
                {"_id": workspace_id, "upcomingCalendar.version": calendar.version},
                {"$set": fields, "$unset": {"upcomingCalendar": ""}},
            )
        return done.modified_count == 1


def _stored(calendar: Calendar) -> dict[str, Any]:
    return {**calendar.described(), "version": calendar.version}


def _parsed(row: Document) -> WorkspaceCalendar:
    current, upcoming = row.get("calendar"), row.get("upcomingCalendar")
    return WorkspaceCalendar(
        _calendar(current) if current else UTC_CALENDAR,
        _calendar(upcoming) if upcoming else None,
        tuple(Former(_calendar(one), _instant(one)) for one in row.get("formerCalendars", ())),
    )


def _calendar(stored: Document) -> Calendar:
    return Calendar.parse({name: stored[name] for name in UTC_CALENDAR.described()}, stored["version"])


def _instant(stored: Document) -> datetime:
    until: datetime = stored["until"]
    return until
