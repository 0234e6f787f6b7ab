"""The Reporting API v1: report types, jobs, lists of files, and their download.

Facts: docs/platform-facts.md#youtube-reporting-api.
"""

import gzip
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from simulator.state import Answer, Request
from simulator.world import SimAccount
from simulator.youtube import quota
from simulator.youtube.analytics import day_end
from simulator.youtube.call import Call, check_known
from simulator.youtube.files import COLUMNS, File, Job, csv_of, files
from simulator.youtube.paging import page_token, place_in
from simulator.youtube.problem import Problem

PREFIXES = ("/v1/reportTypes", "/v1/jobs", "/v1/media/")
CSV = "text/csv; charset=utf-8"

TYPES = {
    "channel_annotations_a1": "Annotations",
    "channel_basic_a3": "User activity",
    "channel_cards_a1": "Cards",
    "channel_combined_a3": "Combined",
    "channel_demographics_a1": "Demographics",
    "channel_device_os_a3": "Device and OS",
    "channel_end_screens_a1": "End screens",
    "channel_playback_location_a3": "Playback locations",
    "channel_province_a3": "Province",
    "channel_reach_basic_a1": "Reach basic",
    "channel_reach_combined_a1": "Reach combined",
    "channel_sharing_service_a1": "Sharing service",
    "channel_subtitles_a3": "Subtitles",
    "channel_traffic_source_a3": "Traffic sources",
    "playlist_basic_a2": "Playlist user activity",
}
"""Types that a channel can create jobs of. Files have rows for the types in `files.COLUMNS`, and a header elsewhere."""

_OWNER = "onBehalfOfContentOwner"
_PAGED = ("pageSize", "pageToken", _OWNER)
_PAGE, _LARGEST_PAGE = 50, 100
_LONGEST_NAME = 100
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z")

Jobs = dict[str, Job]


def handle(call: Call, request: Request) -> Answer:
    """Answer a request of the Reporting API.

    Raises:
        Problem: 401 for a token without a channel, 400 for a wrong parameter, 404 for an unknown job or file,
            409 for a second job of a type, 429 for a used quota.
    """
    account = _channel(call)
    match request.method, request.plain_path.removeprefix("/v1/").split("/"):
        case "GET", ["reportTypes"]:
            check_known(call.params, (*_PAGED, "includeSystemManaged"))
            types = [{"id": name, "name": title} for name, title in TYPES.items()]
            return Answer(200, _page(call, "reportTypes", types))
        case "GET", ["jobs"]:
            check_known(call.params, (*_PAGED, "includeSystemManaged"))
            return Answer(200, _page(call, "jobs", [_job(job) for job in jobs_of(call, account).values()]))
        case "POST", ["jobs"]:
            check_known(call.params, (_OWNER,))
            return Answer(200, _job(_created(call, account, request)))
        case "GET", ["jobs", name]:
            check_known(call.params, (_OWNER,))
            return Answer(200, _job(_found(call, account, name)))
        case "GET", ["jobs", name, "reports"]:
            check_known(call.params, (*_PAGED, "createdAfter", "startTimeAtOrAfter", "startTimeBefore"))
            job = _found(call, account, name)
            chosen = _chosen(call, files(call.state.world, account, job, call.now))
            return Answer(200, _page(call, "reports", [_report(call, account, job, file) for file in chosen]))
        case "GET", ["jobs", name, "reports", number]:
            check_known(call.params, (_OWNER,))
            job = _found(call, account, name)
            return Answer(200, _report(call, account, job, _file(call, account, job, number)))
        case "GET", ["media", "CHANNEL", owner, "jobs", name, "reports", number]:
            return _download(call, account, request, owner, name, number)
    raise Problem(404, "notFound", "Method not found.", named_status=True)


def jobs_of(call: Call, account: SimAccount) -> Jobs:
    """Return the jobs of a channel by their ids."""
    found: dict[int, Jobs] = call.state.memory.setdefault("youtube:jobs", {})
    return found.setdefault(account.index, {})


def _channel(call: Call) -> SimAccount:
    """Return the channel of the token.

    Raises:
        Problem: no channel belongs to the Google account: 401, as for a token that is wrong.
    """
    if call.account is None or call.state.fate(call.account, call.aim) is not None:
        raise Problem(401, "authError", "Request is missing required authentication credential.", named_status=True)
    return call.account


def _job(job: Job) -> dict[str, Any]:
    return {"id": job.id, "reportTypeId": job.type, "name": job.name, "createTime": _text(job.created)}


def _created(call: Call, account: SimAccount, request: Request) -> Job:
    """Create a job.

    Raises:
        Problem: the body is not that of a job, or the channel has a job of this type.
    """
    try:
        body = orjson.loads(request.body)
    except ValueError:
        raise _invalid("Invalid JSON payload received.") from None
    if not isinstance(body, dict) or "json" not in request.headers.get("content-type", ""):
        raise _invalid("Invalid JSON payload received.")
    for field in body:
        if field not in ("id", "reportTypeId", "name", "createTime", "expireTime", "systemManaged"):
            raise _invalid(f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.')
    kind, name = body.get("reportTypeId"), body.get("name")
    if not isinstance(kind, str) or kind not in TYPES:
        raise _invalid("Request contains an invalid argument: report_type_id.")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise _invalid("Request contains an invalid argument: name.")
    jobs = jobs_of(call, account)
    if any(job.type == kind for job in jobs.values()):
        raise Problem(409, "alreadyExists", "Requested entity already exists", named_status=True)
    digest = blake2b(f"{account.index}:{kind}:{call.now.isoformat()}".encode(), digest_size=16).digest()
    number = UUID(bytes=digest, version=4)
    job = Job(str(number), kind, name, call.now)
    jobs[job.id] = job
    return job


def _found(call: Call, account: SimAccount, name: str) -> Job:
    """Return a job of the channel.

    Raises:
        Problem: the channel has no such job.
    """
    job = jobs_of(call, account).get(name)
    if job is None:
        raise _missing()
    return job


def _file(call: Call, account: SimAccount, job: Job, number: str) -> File:
    """Return a file of a job.

    Raises:
        Problem: the job has no such file, or no longer.
    """
    file = next((one for one in files(call.state.world, account, job, call.now) if one.id == number), None)
    if file is None:
        raise _missing()
    return file


def _chosen(call: Call, there: Sequence[File]) -> list[File]:
    """Return the files that the filters of a list select."""
    after, since, before = (_instant(call, name) for name in ("createdAfter", "startTimeAtOrAfter", "startTimeBefore"))
    return [
        file
        for file in there
        if (after is None or file.created > after)
        and (since is None or _start(file.day) >= since)
        and (before is None or _start(file.day) < before)
    ]


def _report(call: Call, account: SimAccount, job: Job, file: File) -> dict[str, Any]:
    place = f"CHANNEL/{account.platform_account_id[2:]}/jobs/{job.id}/reports/{file.id}"
    return {
        "id": file.id,
        "jobId": job.id,
        "startTime": _text(_start(file.day)),
        "endTime": _text(day_end(file.day)),
        "createTime": _text(file.created),
        "downloadUrl": f"{call.base_url}/v1/media/{place}?alt=media",
    }


def _download(call: Call, account: SimAccount, request: Request, owner: str, name: str, number: str) -> Answer:
    """Answer with the content of a file, compressed if the client accepts gzip."""
    check_known(call.params, ())
    if owner != account.platform_account_id[2:]:
        raise Problem(403, "forbidden", "The caller does not have permission", named_status=True)
    job = _found(call, account, name)
    file = _file(call, account, job, number)
    if call.text("alt") != "media":
        return Answer(200, {"resourceName": request.plain_path.removeprefix("/v1/media/")})
    content = csv_of(call.state.world, account, job, file) if job.type in COLUMNS else b"date,channel_id\n"
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Answer(200, gzip.compress(content, mtime=0), {"Content-Type": CSV, "Content-Encoding": "gzip"})
    return Answer(200, content, {"Content-Type": CSV})


def _page(call: Call, name: str, items: Sequence[Any]) -> dict[str, Any]:
    """Return a page of a list; a list without items lacks the field."""
    text = call.text("pageSize")
    if text is not None and not text.isdecimal():
        raise _invalid(f"Invalid value at 'page_size' (TYPE_INT32), \"{text}\"")
    size, token, of_list = min(int(text or 0) or _PAGE, _LARGEST_PAGE), call.text("pageToken"), f"reporting:{name}"
    start = place_in(token) if token else 0
    if start is None or (token and token != page_token(start, of_list)):
        raise _invalid("Request contains an invalid argument: page_token.")
    if items and call.aim.strike("empty_page"):
        return {"nextPageToken": page_token(start, of_list)}
    chosen, following = list(items[start : start + size]), start + size
    if call.aim.strike("repeated_cursor"):
        return {name: chosen, "nextPageToken": page_token(start, of_list)}
    more = {"nextPageToken": page_token(following, of_list)} if len(items) > following else {}
    return {**({name: chosen} if chosen else {}), **more}


def spend(call: Call) -> None:
    """Count a request in the quota of the day and in that of the minute.

    Raises:
        Problem: one of them is used.
    """
    recent: list[datetime] = call.state.memory.setdefault("youtube:reporting:minute", [])
    recent[:] = [at for at in recent if call.now - timedelta(minutes=1) < at <= call.now]
    if len(recent) >= quota.REPORTING_PER_MINUTE:
        raise too_many("minute")
    try:
        quota.spend(call.state, "reporting", call.now)
    except Problem:
        raise too_many("day") from None
    recent.append(call.now)


def too_many(span: str) -> Problem:
    """Return the error for the used quota of a day or a minute."""
    message = (
        f"Quota exceeded for quota metric 'Free requests' and limit 'Free requests per {span}' of service "
        "'youtubereporting.googleapis.com' for consumer 'project_number:1'."
    )
    return Problem(429, "rateLimitExceeded", message, named_status=True)


def _instant(call: Call, name: str) -> datetime | None:
    """Return the instant in a parameter, or None if it is absent.

    Raises:
        Problem: it is no instant in UTC, as `2026-11-20T08:00:00Z`.
    """
    text = call.text(name)
    if text is None:
        return None
    if not _INSTANT.fullmatch(text):
        raise _invalid(f"Invalid value at '{name}' (type.googleapis.com/google.protobuf.Timestamp), \"{text}\"")
    return datetime.fromisoformat(text)


def _start(day: date) -> datetime:
    return day_end(day - timedelta(days=1))


def _text(at: datetime) -> str:
    """Return an instant in UTC as the API writes it, with a fraction only if it has one."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def _invalid(message: str) -> Problem:
    return Problem(400, "badRequest", message, named_status=True)


def _missing() -> Problem:
    return Problem(404, "notFound", "Requested entity was not found.", named_status=True)
