"""Analytics of single pins by UTC day, of several pins at once, and of the pins with the largest amounts.

Facts: docs/platform-facts.md#pinterest-analytics.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from metrics.periods import DAY, midnight
from simulator import truth
from simulator.pinterest.account_analytics import filters
from simulator.pinterest.call import Call
from simulator.pinterest.pins import Pin, find
from simulator.pinterest.problem import Problem
from simulator.pinterest.ranges import Values, analytics, days_of, rate, status_of
from simulator.pinterest.world import WATCHED_MS
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
_SPLITS = ("NO_SPLIT", "APP_TYPE")
_NEW = timedelta(days=30)


def pin_analytics(call: Call, pin_id: str) -> dict[str, Any]:
    """Return the analytics of one pin.

    Raises:
        Problem: a parameter is missing or wrong, or the pin is not there for this token.
    """
    wanted, days = _metrics(call), days_of(call)
    return {"all": _of_pin(call, find(call, pin_id, code=404), days, wanted)}


def pins_analytics(call: Call) -> dict[str, Any]:
    """Return the analytics of up to a hundred pins, by their ids.

    Raises:
        Problem: a parameter is missing or wrong, or one of the pins is not there for this token.
    """
    wanted, days, ids = _metrics(call), days_of(call), call.needed("pin_ids").split(",")
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
    return {name: {"all": _of_pin(call, pin, days, wanted)} for name, pin in found.items()}


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
    rows = [(post, _gains(call.state.world, post, start, end)) for post in posts]
    rows.sort(key=lambda row: (-row[1].get(sort, 0), row[0].platform_post_id))
    return {
        "sort_by": sort,
        "pins": [_top(post, values, wanted) for post, values in rows[:count]],
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


def _of_pin(call: Call, pin: Pin, days: list[date], wanted: list[str]) -> dict[str, Any]:
    world, created = call.state.world, pin.created_at.date()

    def status(day: date) -> str:
        return "BEFORE_PIN_CREATED" if day < created else status_of(day, call.now)

    # What a pin gained on a day that is over does not change any more.
    key = ("pinterest days", pin.post.number, tuple(wanted))
    known: dict[date, Values] | None = world.remembered(key)
    if known is None:
        known = {}
        world.remember(key, known)
    of_days = known

    def values(day: date, _: str) -> Values:
        if day not in of_days:
            gains = _gains(world, pin.post, midnight(day), midnight(day) + DAY, wanted)
            of_days[day] = {name: value for name, value in gains.items() if name in wanted}
        return of_days[day]

    lifetime: Values = {
        name: truth.post_value(world, pin.post, field, call.now) for name, field in _LIFETIME.items() if name in wanted
    }
    return analytics(days, status, values, lifetime)


def _gains(
    world: World, post: SimPost, start: datetime, end: datetime, wanted: Collection[str] = (*_FIELDS, "SAVE_RATE")
) -> Values:
    """Return what a pin gained between two instants; only a video has numbers of its playing.

    If all wanted metrics are plain counters, only these are in the result; otherwise all are.
    """
    fields = {**_FIELDS, **(_VIDEO_FIELDS if post.content_type == "video" else {})}
    if _PLAIN.issuperset(wanted):
        fields = {name: field for name, field in fields.items() if name in wanted}
        before, after = (truth.post_values(world, post, fields.values(), at) for at in (start, end))
        return {name: max(after[field] - before[field], 0) for name, field in fields.items()}
    before, after = (truth.post_values(world, post, fields.values(), at) for at in (start, end))
    found: Values = {name: max(after[field] - before[field], 0) for name, field in fields.items()}
    found["ENGAGEMENT"] = found["PIN_CLICK"] + found["SAVE"]
    for name in ("ENGAGEMENT", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE"):
        found[f"{name}_RATE"] = rate(found[name], found["IMPRESSION"])
    if post.content_type == "video":
        found["VIDEO_AVG_WATCH_TIME"] = WATCHED_MS
    return found
