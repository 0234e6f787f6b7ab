"""The statement about the hours at which the posts of an account do best (docs/insights/best-times.md)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from metrics.best_times import AGE, CLAIMED, LEAST_POSTS, WINDOW_HOURS
from metrics.calendars import Calendar
from metrics.post_curves import POINT, PostCurveDocument
from pipelines.insights.posts.best_times import Lift, Posts, best_times, best_window
from pipelines.insights.posts.scores import detrended
from pipelines.insights.posts.statements import History, values_of

_COLUMN = POINT[AGE]
_OLDER = 2 / 3
"""The share of posts, the oldest, on which the back-test makes its claim."""


def say_best_times(histories: Sequence[History], calendar: Calendar) -> Iterator[tuple[History, Mapping[str, object]]]:
    """Yield the fields of the document of each account and type of posts.

    The pooled windows of a platform and type are made only where an account shows no effect, and once.
    """
    zone = ZoneInfo(calendar.time_zone)
    of_workspace = [(one, _observed(one)) for one in histories]
    pooled: dict[tuple[str, str], Mapping[str, object] | None] = {}
    for history, observed in of_workspace:
        fields = {"timeZone": calendar.time_zone, **history.fields(observed), **_said(history, observed, zone)}
        if fields.get("unavailable") in ("no_effect", "too_few_posts"):
            kind = (history.account.platform, history.metric_type)
            if kind not in pooled:
                same = [_posts(of, zone) for one, of in of_workspace if of and _kind(one) == kind]
                pooled[kind] = _pooled(same)
            if (found := pooled[kind]) is not None:
                fields["pooled"] = found
        yield history, fields


def _kind(history: History) -> tuple[str, str]:
    return history.account.platform, history.metric_type


def _observed(history: History) -> list[PostCurveDocument]:
    return [one for one in history.curves if one["values"][_COLUMN] is not None]


def _posts(curves: Sequence[PostCurveDocument], zone: ZoneInfo) -> Posts:
    local: list[datetime] = [one["publishedAt"].astimezone(zone) for one in curves]
    return Posts(
        np.array([one.hour for one in local]),
        np.array([one.weekday() for one in local]),
        values_of(curves)[:, _COLUMN],
    )


def _said(history: History, observed: Sequence[PostCurveDocument], zone: ZoneInfo) -> dict[str, object]:
    if len(observed) < LEAST_POSTS:
        return {"unavailable": history.too_few(len(observed), LEAST_POSTS)}
    posts = _posts(observed, zone)
    found = best_times([posts])
    if found is None:
        return {"unavailable": "constant"}
    tested = {"p": round(found.p, 4), "tried": found.tried}
    if found.p > CLAIMED or not found.slots:
        return tested | {"unavailable": "no_effect"}
    slots = [{"weekday": day, "hour": hour, **_lift(one)} for (day, hour), one in found.slots.items()]
    tested_on = _backtest(posts)
    return tested | {"slots": slots} | ({"backtest": tested_on} if tested_on is not None else {})


def _backtest(posts: Posts) -> dict[str, object] | None:
    """Return what the best window of the older posts promised, and what the newer ones did there."""
    cut = int(len(posts) * _OLDER)
    found = best_times([posts.part(slice(None, cut))])
    if found is None or not found.windows:
        return None
    best = best_window(found)
    later = detrended(posts.engagement)[cut:]
    inside = (posts.hours[cut:] - best) % 24 < WINDOW_HOURS
    if not inside.any():
        return None
    realised = float(np.expm1(later[inside].mean() - later.mean()))
    return {"claimed": round(found.windows[best].lift, 4), "realised": round(realised, 4), "posts": int(inside.sum())}


def _pooled(accounts: Sequence[Posts]) -> Mapping[str, object] | None:
    posts = sum(map(len, accounts))
    if len(accounts) < 2 or posts < LEAST_POSTS or (found := best_times(accounts)) is None:
        return None
    windows = [{"hour": hour, **_lift(one)} for hour, one in found.windows.items()]
    return {"accounts": len(accounts), "posts": posts, "p": round(found.p, 4), "windows": windows}


def _lift(one: Lift) -> dict[str, object]:
    return {
        "lift": round(one.lift, 4), "lo80": round(one.lo80, 4), "hi80": round(one.hi80, 4), "posts": one.posts,
    }  # fmt: skip
