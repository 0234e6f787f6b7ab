"""Analytics of single pins by UTC day, of several pins at once, and of the pins with the largest amounts.

Facts: docs/platform-facts.md#pinterest-analytics.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from metrics.periods import DAY, midnight
from simulator import truth
from simulator.pinterest.account_analytics import filters
from simulator.pinterest.call import Call
from simulator.pinterest.pins import Pin, find
from simulator.pinterest.problem import Problem
from simulator.pinterest.ranges import Values, analytics, days_of, rate, status_of
from simulator.pinterest.world import WATCHED_MS
from simulator.wire import encode_json
from simulator.world import EPOCH, SimPost, World

PARAMETERS = ("start_date", "end_date", "app_types", "metric_types", "split_field", "ad_account_id")
MANY_PARAMETERS = (*PARAMETERS, "pin_ids")
TOP_PARAMETERS = (
    "start_date", "end_date", "sort_by", "from_claimed_content", "pin_format", "app_types", "content_type", "source",
    "metric_types", "num_of_pins", "created_in_last_n_days", "ad_account_id",
)  # fmt: skip
MOST_PINS, MOST_TOP_PINS, USUAL_TOP_PINS = 100, 50, 10

_FIELDS: Mapping[str, str] = {
    "IMPRESSION": "impression",
    "OUTBOUND_CLICK": "clickthrough",
    "PIN_CLICK": "pin_click",
    "SAVE": "save",
    "USER_FOLLOW": "USER_FOLLOW",
    "PROFILE_VISIT": "PROFILE_VISIT",
}
_VIDEO_FIELDS: Mapping[str, str] = {
    "QUARTILE_95_PERCENT_VIEW": "quartile_95_percent_view",
    "VIDEO_10S_VIEW": "video_10s_view",
    "VIDEO_MRC_VIEW": "video_mrc_view",
    "VIDEO_START": "VIDEO_START",
    "VIDEO_V50_WATCH_TIME": "VIDEO_V50_WATCH_TIME",
}
_PLAIN = frozenset((*_FIELDS, *_VIDEO_FIELDS))
_WATCHED = ("VIDEO_AVG_WATCH_TIME",)
_LIFETIME: Mapping[str, str] = {"TOTAL_COMMENTS": "comment", "TOTAL_REACTIONS": "reaction"}
METRICS = ("ALL", *_FIELDS, "SAVE_RATE", *_VIDEO_FIELDS, *_WATCHED, *_LIFETIME)
_SORTS = ("ENGAGEMENT", "IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE")
_TOP_METRICS = (*_SORTS, *(f"{name}_RATE" for name in _SORTS if name != "IMPRESSION"), *_VIDEO_FIELDS, *_WATCHED)
_PARTS: Mapping[str, tuple[str, ...]] = {"ENGAGEMENT": ("PIN_CLICK", "SAVE")}
_SPLITS = ("NO_SPLIT", "APP_TYPE")
_NEW = timedelta(days=30)


def pin_analytics(call: Call, pin_id: str) -> dict[str, Any]:
    """Return the analytics of one pin.

    Raises:
        Problem: a parameter is missing or wrong, or the pin is not there for this token.
    """
    asked = _Days.of(call)
    return {"all": _of_pin(call, find(call, pin_id, code=404), asked)}


def pins_analytics(call: Call) -> dict[str, Any]:
    """Return the analytics of up to a hundred pins, by their ids.

    Raises:
        Problem: a parameter is missing or wrong, or one of the pins is not there for this token.
    """
    asked, ids = _Days.of(call), call.needed("pin_ids").split(",")
    if len(ids) > MOST_PINS or not all(name.isdecimal() for name in ids):
        raise call.wrong()
    found = {}
    for name in ids:
        try:
            found[name] = find(call, name)
        except Problem as problem:
            if problem.answer.status == 403:
                raise Problem(401, 7, "Not authorized to access board or Pin.") from None
            raise
    return {name: {"all": _of_pin(call, pin, asked)} for name, pin in found.items()}


def top_pins(call: Call) -> dict[str, Any]:
    """Return the pins of the account with the largest amounts of one metric over a range of days.

    The pins of the simulator are all the account's own, so the filters choose nothing.

    Raises:
        Problem: a parameter is missing or wrong.
    """
    call.needed("sort_by")
    filters(call)
    sort = call.one_of("sort_by", _SORTS, "")
    wanted, count = (
        call.some_of("metric_types", _TOP_METRICS),
        call.number("num_of_pins", USUAL_TOP_PINS, MOST_TOP_PINS),
    )
    if call.params.get("created_in_last_n_days", "30") != "30":
        raise call.wrong()
    if any(call.state.faults.retires(name) or call.aim.refuses(name) for name in wanted):
        raise call.wrong()
    days = [day for day in days_of(call) if status_of(day, call.now) != "PROCESSING"]
    since = call.now - _NEW if "created_in_last_n_days" in call.params else EPOCH
    posts = [post for post in call.state.world.posts(call.account, since, call.now) if post.visible(call.now)]
    if not posts or not days:
        return {"sort_by": sort, "pins": [], "date_availability": {}}
    start, end = midnight(days[0]), midnight(days[-1]) + DAY
    world, parts = call.state.world, _PARTS.get(sort, (sort,))
    # Only what decides about the order is computed of all pins, and once, because these days are over.
    key = ("pinterest top", call.account.index, parts, start, end)
    gained: dict[int, int | float] | None = world.remembered(key)
    if gained is None:
        gained = {}
        world.remember(key, gained)
    for post in posts:
        if post.number not in gained:
            gained[post.number] = sum(_gains(world, post, start, end, parts).values())
    order = sorted((-gained[post.number], post.platform_post_id, place) for place, post in enumerate(posts))
    return {
        "sort_by": sort,
        "pins": [
            _top(post, _gains(world, post, start, end), wanted)
            for post in (posts[place] for *_, place in order[:count])
        ],
        "date_availability": {
            "is_realtime": False,
            "latest_available_timestamp": int(end.timestamp() * 1000) - 1000,
        },
    }


def _top(post: SimPost, values: Values, wanted: list[str]) -> dict[str, Any]:
    chosen = {name: value for name, value in values.items() if name in wanted}
    return {"pin_id": post.platform_post_id, "metrics": chosen, "data_status": dict.fromkeys(chosen, "READY")}


def _metrics(call: Call) -> list[str]:
    """Return the requested metrics, which a request for pins has to name.

    Raises:
        Problem: there are none, or one is unknown.
    """
    call.needed("metric_types")
    call.one_of("app_types", ("ALL", "MOBILE", "TABLET", "WEB"), "ALL")
    call.one_of("split_field", _SPLITS, _SPLITS[0])
    wanted = call.some_of("metric_types", METRICS)
    if any(call.state.faults.retires(name) or call.aim.refuses(name) for name in wanted):
        raise call.wrong()
    return list(METRICS) if "ALL" in wanted else wanted


class _Days(NamedTuple):
    """The days of a request, with what Pinterest knows of each, and the requested metrics of pins."""

    days: tuple[date, ...]
    statuses: tuple[str, ...]
    wanted: tuple[str, ...]

    @classmethod
    def of(cls, call: Call) -> "_Days":
        """Return the days and metrics of a request.

        Raises:
            Problem: a parameter is missing or wrong.
        """
        wanted, days = _metrics(call), days_of(call)
        return cls(tuple(days), tuple(status_of(day, call.now) for day in days), tuple(wanted))


def _of_pin(call: Call, pin: Pin, asked: _Days) -> Any:
    """Return the analytics of a pin, as JSON text that is kept while nothing changes: a hundred pins have many days."""
    world, key = call.state.world, ("pinterest days", pin.post.number, asked.wanted)
    lifetime: Values = {
        name: truth.post_value(world, pin.post, field, call.now)
        for name, field in _LIFETIME.items()
        if name in asked.wanted
    }
    known: _Known | None = world.remembered(key)
    if known is None:
        known = _Known({})
        world.remember(key, known)
    if call.state.faults.active:
        # Faults change places of an answer, which a text has not.
        return _analytics(world, pin, asked, known.gains, lifetime)
    if (known.asked, known.lifetime) != (asked, lifetime):
        known.text = orjson.Fragment(encode_json(_analytics(world, pin, asked, known.gains, lifetime)))
        known.asked, known.lifetime = asked, lifetime
    return known.text


@dataclass
class _Known:
    """The memory of a pin: its gains on days that are over, and the text of its last answer."""

    gains: dict[date, Values]
    asked: _Days | None = None
    lifetime: Values | None = None
    text: orjson.Fragment | None = None


def _analytics(world: World, pin: Pin, asked: _Days, gains: dict[date, Values], lifetime: Values) -> dict[str, Any]:
    created, fields = pin.created_at.date(), _fields(pin.post, asked.wanted)
    statuses = [
        "BEFORE_PIN_CREATED" if day < created else said for day, said in zip(asked.days, asked.statuses, strict=True)
    ]
    reached: dict[date, Mapping[str, int]] = {}

    def counters(day: date) -> Mapping[str, int]:
        """Return the counters at the beginning of a day, which is the end of the day before."""
        if day not in reached:
            reached[day] = truth.post_values(world, pin.post, fields.values(), midnight(day))
        return reached[day]

    def values(day: date, _: str) -> Values:
        if day not in gains:
            gained = _gained(pin.post, fields, counters(day), counters(day + DAY))
            gains[day] = {name: value for name, value in gained.items() if name in asked.wanted}
        return gains[day]

    return analytics(asked.days, statuses, values, lifetime)


def _fields(post: SimPost, wanted: Collection[str]) -> Mapping[str, str]:
    """Return the counters that wanted metrics are computed from; only a video has numbers of its playing."""
    fields = {**_FIELDS, **(_VIDEO_FIELDS if post.content_type == "video" else {})}
    return {n: f for n, f in fields.items() if n in wanted} if _PLAIN.issuperset(wanted) else fields


def _gains(world: World, post: SimPost, start: datetime, end: datetime, wanted: Collection[str] = ("ALL",)) -> Values:
    """Return what a pin gained between two instants."""
    fields = _fields(post, wanted)
    before, after = (truth.post_values(world, post, fields.values(), at) for at in (start, end))
    return _gained(post, fields, before, after)


def _gained(post: SimPost, fields: Mapping[str, str], before: Mapping[str, int], after: Mapping[str, int]) -> Values:
    """Return how much counters grew, and what follows from them if all of them are there."""
    found: Values = {name: max(after[field] - before[field], 0) for name, field in fields.items()}
    if not fields.keys() >= _FIELDS.keys():
        return found
    found["ENGAGEMENT"] = found["PIN_CLICK"] + found["SAVE"]
    for name in ("ENGAGEMENT", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE"):
        found[f"{name}_RATE"] = rate(found[name], found["IMPRESSION"])
    if post.content_type == "video":
        found["VIDEO_AVG_WATCH_TIME"] = WATCHED_MS
    return found
