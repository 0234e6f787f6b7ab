"""Files of the Reporting API: which ones a job has at an instant, and the rows of each.

A job has one file for each Pacific day. A correction is another file for the same day, with a newer `createTime`.
Facts: docs/platform-facts.md#youtube-reporting-api.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b

from simulator import truth
from simulator.chance import unit
from simulator.world import SimAccount, World, account_seed
from simulator.youtube.analytics import day_end
from simulator.youtube.quota import PACIFIC
from simulator.youtube.world import IMPRESSIONS

BACKFILL_DAYS = 30
"""How many days before the job have files, which are called historical."""
KEPT, HISTORICAL_KEPT = timedelta(days=60), timedelta(days=30)
"""How long after its creation a file can be downloaded."""
READY = timedelta(hours=48)
"""The first files of a job come at most so long after the job."""

_PROVISIONAL = 0.9
_CORRECTED = 0.2
_ANONYMOUS = 0.13
"""Share of a day's amount whose videos are not told."""
_VIDEOS = 40
"""Most videos that a day's amount is spread over."""

REACH, BASIC = "channel_reach_basic_a1", "channel_basic_a3"

_REACH_COLUMNS = ("video_thumbnail_impressions", "video_thumbnail_impressions_ctr")
_COUNTED = {
    "engaged_views": "engagedViews", "views": "views", "comments": "comments", "likes": "likes",
    "dislikes": "dislikes", "videos_added_to_playlists": "videosAddedToPlaylists",
    "videos_removed_from_playlists": "videosRemovedFromPlaylists", "shares": "shares",
    "watch_time_minutes": "estimatedMinutesWatched", "subscribers_gained": "subscribersGained",
    "subscribers_lost": "subscribersLost",
}  # fmt: skip
_ALWAYS_ZERO = (
    "annotation_click_through_rate", "annotation_close_rate", "annotation_impressions",
    "annotation_clickable_impressions", "annotation_closable_impressions", "annotation_clicks", "annotation_closes",
    "card_click_rate", "card_teaser_click_rate", "card_impressions", "card_teaser_impressions", "card_clicks",
    "card_teaser_clicks", "red_views", "red_watch_time_minutes",
)  # fmt: skip
COLUMNS: Mapping[str, tuple[str, ...]] = {
    REACH: ("date", "channel_id", "video_id", *_REACH_COLUMNS),
    BASIC: (
        "date", "channel_id", "video_id", "live_or_on_demand", "subscribed_status", "country_code", *_COUNTED,
        "average_view_duration_seconds", "average_view_duration_percentage", *_ALWAYS_ZERO,
    ),
}  # fmt: skip
"""The columns of the report types that the simulator makes files of."""


@dataclass(frozen=True)
class Job:
    """A job of one channel."""

    id: str
    type: str
    name: str
    created: datetime


@dataclass(frozen=True)
class File:
    """One file: its day, when it was created, until when it can be downloaded, and whether its numbers are final."""

    id: str
    day: date
    created: datetime
    expires: datetime
    final: bool


def files(world: World, account: SimAccount, job: Job, now: datetime) -> list[File]:
    """Return the files of a job that can be downloaded at an instant, the newest first."""
    first = job.created.astimezone(PACIFIC).date() - timedelta(days=BACKFILL_DAYS)
    days = (first + timedelta(days=n) for n in range((now.astimezone(PACIFIC).date() - first).days + 1))
    found = [file for day in days for file in _of_day(world, account, job, day)]
    there = [file for file in found if file.created <= now < file.expires]
    return sorted(there, key=lambda file: (file.created, file.id), reverse=True)


def _of_day(world: World, account: SimAccount, job: Job, day: date) -> Iterator[File]:
    seed = (*account_seed(world, account), day.toordinal())
    made = day_end(day) + timedelta(hours=20 + 16 * unit(*seed, 531))
    ready = job.created + READY * (0.2 + 0.8 * unit(*seed, 532))
    historical = made <= job.created
    created, kept = (ready, HISTORICAL_KEPT) if historical else (made, KEPT)
    corrected = day_end(day) + timedelta(hours=72 + 144 * unit(*seed, 533))
    is_corrected = unit(*seed, 534) < _CORRECTED and corrected > created
    yield File(_number(job, day, 0), day, created, created + kept, not is_corrected)
    if is_corrected:
        yield File(_number(job, day, 1), day, corrected, corrected + KEPT, True)


def _number(job: Job, day: date, version: int) -> str:
    digest = blake2b(f"{job.id}:{day}:{version}".encode(), digest_size=5).digest()
    return str(10**10 + int.from_bytes(digest, "big") % 10**10)


def total(world: World, account: SimAccount, file: File, field: str) -> int:
    """Return the sum of a column over the rows of a file; `field` is a daily field of the simulator's truth."""
    value = truth.day_value(world, account, field, file.day)
    return value if file.final or value < 0 else int(value * _PROVISIONAL)


def csv_of(world: World, account: SimAccount, job: Job, file: File) -> bytes:
    """Return the content of a file: a header, and the rows, of which there are none for a day without activity."""
    lines = [",".join(COLUMNS[job.type])]
    lines += (",".join(row) for row in _rows(world, account, job, file))
    return "".join(f"{line}\n" for line in lines).encode()


def _rows(world: World, account: SimAccount, job: Job, file: File) -> Iterator[Sequence[str]]:
    fields = [IMPRESSIONS] if job.type == REACH else list(_COUNTED.values())
    videos = _videos(world, account, file.day)
    parts = {field: _spread(total(world, account, file, field), len(videos)) for field in fields}
    for place, video in enumerate(videos):
        counts = {field: values[place] for field, values in parts.items()}
        if not any(counts.values()):
            continue
        start = (f"{file.day:%Y%m%d}", account.platform_account_id, video)
        if job.type == REACH:
            yield (*start, str(counts[IMPRESSIONS]), "0.0432")
        else:
            country = "US" if video else ""
            seconds = counts["estimatedMinutesWatched"] * 60 / counts["views"] if counts["views"] > 0 else 0.0
            averages = (f"{seconds:.4f}", "41.7" if seconds else "0.0")
            zeros = ["0"] * len(_ALWAYS_ZERO)
            counted = (str(counts[field]) for field in _COUNTED.values())
            yield (*start, "on_demand", "not_subscribed", country, *counted, *averages, *zeros)


def _videos(world: World, account: SimAccount, day: date) -> list[str]:
    """Return the videos of a day's rows; the empty id stands for videos that are not told, or were deleted."""
    end = day_end(day)
    posts = world.posts(account, end - timedelta(days=90), end)[-_VIDEOS:]
    return ["", *(post.platform_post_id for post in posts)]


def _spread(amount: int, places: int) -> list[int]:
    """Return parts whose sum is an amount: the first is of videos that are not told."""
    if places == 1:
        return [amount]
    hidden = int(amount * _ANONYMOUS)
    each, rest = divmod(abs(amount - hidden), places - 1)
    sign = -1 if amount < hidden else 1
    return [hidden, *(sign * (each + (place < rest)) for place in range(places - 1))]
