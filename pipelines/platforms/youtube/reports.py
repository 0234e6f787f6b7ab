"""Reads days of a YouTube channel from the files of the Reporting API.

YouTube makes files only for a channel that has a job, and of at most 30 days before it. The jobs are therefore created
at the first reading of an account, also one whose files are not read yet. A file has one Pacific day. A correction is
a newer file for the same day, which replaces the day as a whole; it may come at any time. A reading therefore lists the
files that were created since the last one it read, and downloads the newest of each day.

Facts: docs/platform-facts.md#youtube-reporting-api.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.platforms.youtube import YOUTUBE
from pipelines.platforms.answers import items_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import DaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, PermissionMissing, PlatformError, PostGone, QuotaUsed, Transient
from pipelines.platforms.memory import JobMemory
from pipelines.platforms.numbers import BOUND
from pipelines.platforms.youtube.answers import parsing_answer
from pipelines.platforms.youtube.calls import Calls, MinuteUsed

REACH, BASIC = "channel_reach_basic_a1", "channel_basic_a3"
TYPES = (REACH, BASIC)
"""The types of reports that have a job. Files of `BASIC` are not read: its job keeps their days from being lost."""

METRIC = "accountThumbnailImpressions"
"""The metric that the files of `REACH` have."""

QUOTA = "reporting"
GIVEN_UP_AFTER = 3
"""Readings that find no valid content in a file, after which it is left out."""

_CHECKED_EVERY = timedelta(days=7)
"""How often it is checked that the jobs still exist: YouTube may end one whose files nobody downloads."""
_NAME = "Tidemark"
_MOST_PAGES = 100
_MEDIA = "/v1/media/"
_ZONE = ZoneInfo(YOUTUBE.quota_zone)


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file of a job: its Pacific day, when it was created, as text and as an instant, and where its content is."""

    id: str
    day: date
    created: str
    created_at: datetime
    path: str
    query: str


class Reports:
    """Reads the files of one channel; `jobs` is the memory of its jobs by type, which is updated."""

    def __init__(self, calls: Calls, access: Access, jobs: dict[str, JobMemory], tally: Tally) -> None:
        self._calls, self._access, self._jobs, self._tally = calls, access, jobs, tally
        self._days: dict[date, Reading] = {}
        self._failures: dict[str, str] = {}

    def read(self) -> DaysReading:
        """Read all files that are new. Nothing is raised: `failures` has what could not be read.

        A used quota of the minute is no failure, because the files are read in the next hour.
        """
        for kind in TYPES:
            self._jobs.setdefault(kind, JobMemory())
        try:
            self._check_jobs()
            self._read_files(self._jobs[REACH])
        except PlatformError as error:
            self._note("jobs", error)
        return DaysReading(self._days, {}, self._failures)

    def _note(self, what: str, error: PlatformError) -> None:
        """Note why something could not be read, and whether another reading should try it in the next hour."""
        self._jobs[REACH].behind |= isinstance(error, Transient | MinuteUsed | QuotaUsed)
        if isinstance(error, QuotaUsed):
            self._tally.note_limit(error)
        # Without the scope, the metrics of the Analytics API are missing for the same reason, without a failure too.
        if not isinstance(error, MinuteUsed | PermissionMissing):
            self._failures[what] = str(error)

    def _check_jobs(self) -> None:
        """Find the jobs of the channel, and create those that it lacks; once a week if all of them are known.

        Raises:
            PlatformError: the jobs could not be listed or created.
        """
        self._jobs[REACH].behind = False
        today = utcnow().date()
        oldest = (today - _CHECKED_EVERY).isoformat()
        if all(self._jobs[kind].id and self._jobs[kind].checked_on > oldest for kind in TYPES):
            return
        with parsing_answer():
            known = {job["reportTypeId"]: job for job in self._list("/v1/jobs", {}, "jobs") if not _has_ended(job)}
            for kind in TYPES:
                job = known.get(kind) or self._create(kind)
                if self._jobs[kind].id != job["id"]:
                    self._jobs[kind] = JobMemory(_text(job["id"]))
                self._jobs[kind].checked_on = today.isoformat()

    def _create(self, kind: str) -> Mapping[str, Any]:
        body = {"reportTypeId": kind, "name": f"{_NAME} {kind}"}
        return self._calls.post("/v1/jobs", body, self._access, self._tally, QUOTA)

    def _read_files(self, job: JobMemory) -> None:
        """Download the newest file of each day that was created since the last reading, the oldest first.

        Raises:
            PlatformError: the files could not be listed, or nothing more may be requested now.
        """
        params = {"createdAfter": job.mark} if job.mark else {}
        try:
            listed = list(self._list(f"/v1/jobs/{job.id}/reports", params, "reports"))
        except PostGone:
            self._jobs[REACH] = JobMemory(behind=True)
            raise BadAnswer("YouTube has ended the job of the reports: another one is created") from None
        with parsing_answer():
            files = sorted((_file(item) for item in listed), key=lambda file: file.created_at)
        newest = {file.day: file for file in files}
        done = {file.id for file in files if newest[file.day] is not file or file.id in job.taken}
        try:
            for file in newest.values():
                if file.id not in done and self._take(job, file):
                    done.add(file.id)
        finally:
            _advance(job, files, done)

    def _take(self, job: JobMemory, file: ReportFile) -> bool:
        """Read one file; return True if it need not be requested again.

        Raises:
            PlatformError: the failure concerns every other file too.
        """
        try:
            content = self._calls.download(file.path, file.query, self._access, self._tally, QUOTA)
            value = impressions_of(content, file.day, self._access.platform_account_id)
        except PostGone:
            # It expired, or a newer one has taken its place.
            return True
        except BadAnswer as error:
            job.odd[file.id] = job.odd.get(file.id, 0) + 1
            given_up = job.odd[file.id] >= GIVEN_UP_AFTER
            end = "; it is left out from now on" if given_up else ""
            self._failures[f"file of {file.day:%Y-%m-%d}"] = f"{error}{end}"
            return given_up
        except Transient as error:
            self._note(f"file of {file.day:%Y-%m-%d}", error)
            return False
        self._days[file.day] = Reading(utcnow(), {METRIC: value})
        return True

    def _list(self, path: str, params: Mapping[str, str], name: str) -> Iterator[Any]:
        """Yield the items of all pages of a list. A list without items lacks the field.

        Raises:
            BadAnswer: the list has another form, or does not end.
            PlatformError: a page could not be read.
        """
        token, seen = "", set[str]()
        while len(seen) < _MOST_PAGES:
            page = {**params, **({"pageToken": token} if token else {})}
            body = self._calls.get(path, page, self._access, self._tally, QUOTA)
            with parsing_answer():
                yield from items_of(body.get(name, []))
                token = _text(body.get("nextPageToken", ""))
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
        raise BadAnswer(f"YouTube's list of {name} does not end")


def _advance(job: JobMemory, files: list[ReportFile], done: set[str]) -> None:
    """Note how far the files were read: all that were created until `mark`, and those of `taken` after it."""
    waiting = min((file.created_at for file in files if file.id not in done), default=None)
    before = [file for file in files if waiting is None or file.created_at < waiting]
    if before:
        job.mark = before[-1].created
    job.taken = [file.id for file in files[len(before) :] if file.id in done]
    left = {file.id for file in files if file.id not in done}
    job.odd = {name: readings for name, readings in job.odd.items() if name in left}


def _has_ended(job: Mapping[str, Any]) -> bool:
    end = job.get("expireTime")
    return end is not None and datetime.fromisoformat(end) <= utcnow()


def _file(item: Mapping[str, Any]) -> ReportFile:
    """Return a file of a list.

    Raises:
        BadAnswer: it does not have exactly one Pacific day, or it is not at the place of such files.
        LookupError, TypeError, ValueError: it has an unexpected form.
    """
    start, end = (datetime.fromisoformat(item[name]).astimezone(_ZONE) for name in ("startTime", "endTime"))
    if any(at.hour or at.minute or at.second for at in (start, end)) or end.date() - start.date() != timedelta(days=1):
        raise BadAnswer("YouTube's answer has an unexpected form: a report has not exactly one day")
    place = urlsplit(item["downloadUrl"])
    if not place.path.startswith(_MEDIA) or "/../" in place.path:
        raise BadAnswer("YouTube's answer has an unexpected form: a report is not where reports are")
    created = datetime.fromisoformat(item["createTime"])
    if created.tzinfo is None:
        raise BadAnswer("YouTube's answer has an unexpected form: a time has no zone")
    return ReportFile(_text(item["id"]), start.date(), item["createTime"], created, place.path, place.query)


def impressions_of(content: bytes, day: date, channel_id: str) -> int:
    """Return the sum of the thumbnail impressions in a file.

    Rows without a video are of videos that YouTube does not tell; they count too. A file with a header and no rows is
    of a day on which nothing was shown: YouTube leaves out rows of zeros, and makes no file for a day that it does not
    know yet. Its sum is therefore 0.

    Raises:
        BadAnswer: the content is not that of a file of this day and this channel.
    """
    field = offered("youtube", "account")[METRIC].field
    try:
        header, *rows = csv.reader(content.decode("utf-8-sig").splitlines(), strict=True)
        places = {name: header.index(name) for name in ("date", "channel_id", field)}
    except (ValueError, csv.Error):
        raise BadAnswer(f"YouTube's report has an unexpected form: it has no column {field}") from None
    total = 0
    for line, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise BadAnswer(f"YouTube's report has an unexpected form: line {line} has not {len(header)} values")
        if (row[places["date"]], row[places["channel_id"]]) != (f"{day:%Y%m%d}", channel_id):
            raise BadAnswer(f"YouTube's report has an unexpected form: line {line} is of another day or channel")
        value = row[places[field]]
        if not (value.isascii() and value.isdecimal() and len(value) <= len(str(BOUND))):
            raise BadAnswer(f"YouTube's report has an unexpected form: line {line} has no number of impressions")
        total += int(value)
    if total >= BOUND:
        raise BadAnswer("YouTube's report has an unexpected form: the sum does not fit into 64 bits")
    return total


def _text(value: object) -> str:
    """Return a text.

    Raises:
        TypeError: the value is none.
    """
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
