"""Calendars of workspaces: where days, weeks, months and fiscal years begin (docs/calendars.md). Pure arithmetic."""

from metrics.calendars.calendar import UTC_CALENDAR, Calendar, Span
from metrics.calendars.dates import CALENDAR_PERIODS, CalendarPeriod

__all__ = ["CALENDAR_PERIODS", "UTC_CALENDAR", "Calendar", "CalendarPeriod", "Span"]
