"""The statement about how fast the posts of an account age (docs/insights/decay.md)."""

from collections.abc import Iterator, Mapping, Sequence

from metrics.calendars import Calendar
from metrics.content_decay import LEAST_POSTS
from metrics.post_curves import AGES, POINT
from pipelines.insights.posts.decay import Decay, Quartiles, decay, usable
from pipelines.insights.posts.statements import History

_COLUMNS = [POINT[age] for age in AGES]


def say_decay(histories: Sequence[History], _calendar: Calendar) -> Iterator[tuple[History, Mapping[str, object]]]:
    """Yield the fields of the document of each account and type of posts."""
    for history in histories:
        yield history, _fields(history)


def _fields(history: History) -> dict[str, object]:
    if not history.curves:
        return history.fields([]) | {"unavailable": history.too_few(0, LEAST_POSTS)}
    values = history.values[:, _COLUMNS]
    used = [one for one, is_used in zip(history.curves, usable(values).tolist(), strict=True) if is_used]
    found = decay(values, AGES)
    said = history.fields(used)
    return said | ({"unavailable": history.too_few(len(used), LEAST_POSTS)} if found is None else _said(found))


def _said(found: Decay) -> dict[str, object]:
    points = [
        {
            "age": int(age), "q1": round(one.q1, 4), "median": round(one.median, 4), "q3": round(one.q3, 4),
            "posts": one.posts,
        }
        for age, one in found.shares.items()
    ]  # fmt: skip
    return {"points": points, "halfLife": _half_life(found.half_life)}


def _half_life(found: Quartiles) -> dict[str, float]:
    hours = {"median": found.median, "q1": found.q1, "q3": found.q3}
    return {name: round(one, 2) for name, one in hours.items() if one >= AGES[0]}
