"""Analytics of the account by UTC day: `GET /v5/user_account/analytics`.

Facts: docs/platform-facts.md#pinterest-analytics.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from simulator.pinterest.call import Call
from simulator.pinterest.ranges import Values, analytics, days_of, rate, status_of
from simulator.pinterest.world import amounts, business_since
from simulator.world import SimAccount, World

PARAMETERS = (
    "start_date", "end_date", "from_claimed_content", "pin_format", "app_types", "content_type", "source",
    "metric_types", "split_field", "ad_account_id",
)  # fmt: skip
METRICS = (
    "ENGAGEMENT", "ENGAGEMENT_RATE", "IMPRESSION", "OUTBOUND_CLICK", "OUTBOUND_CLICK_RATE", "PIN_CLICK",
    "PIN_CLICK_RATE", "SAVE", "SAVE_RATE",
)  # fmt: skip
_ENUMS: Mapping[str, tuple[str, ...]] = {
    "from_claimed_content": ("BOTH", "OTHER", "CLAIMED"),
    "pin_format": ("ALL", "ORGANIC_IMAGE", "ORGANIC_PRODUCT", "ORGANIC_VIDEO", "ADS_STANDARD", "ADS_PRODUCT",
                   "ADS_VIDEO", "ADS_IDEA"),
    "source": ("ALL", "YOUR_PINS", "OTHER_PINS"),
    "split_field": ("NO_SPLIT", "APP_TYPE", "CONTENT_TYPE", "OWNED_CONTENT", "SOURCE", "PIN_FORMAT"),
}  # fmt: skip
_APP_TYPES = {"MOBILE": 0.7, "TABLET": 0.1, "WEB": 0.2}
_PAID = 0.25
"""Advertised amounts for each amount that is not advertised, of the accounts that advertise."""
_PROVISIONAL = 0.97


def user_account_analytics(call: Call) -> dict[str, Any]:
    """Return the amounts of the days of a range; those of the last days are estimated or not known yet.

    Raises:
        Problem: a parameter is wrong.
    """
    app, content = filters(call)
    wanted, days = call.some_of("metric_types", METRICS), days_of(call)
    if any(call.state.faults.retires(name) or call.aim.refuses(name) for name in wanted):
        raise call.wrong()

    statuses = [_status(call.account, day, call.now) for day in days]

    def part(content: str, app: str) -> dict[str, Any]:
        share = _share(call.account, content) * _APP_TYPES.get(app, 1.0)
        return analytics(
            days,
            statuses,
            lambda day, status: _values(call, day, status, wanted, share),
        )

    split = call.params.get("split_field", "NO_SPLIT")
    if split == "APP_TYPE":
        return {name: part(content, name) for name in _APP_TYPES}
    if split == "CONTENT_TYPE":
        return {name: part(name, app) for name in ("PAID", "ORGANIC")}
    return {"all" if split == "NO_SPLIT" else "ALL": part(content, app)}


def filters(call: Call) -> tuple[str, str]:
    """Return the kind of app and the kind of content that a request for an account's analytics is about.

    Raises:
        Problem: a filter has an unknown value.
    """
    for name, values in _ENUMS.items():
        call.one_of(name, values, values[0])
    app = call.one_of("app_types", ("ALL", *_APP_TYPES), "ALL")
    return app, call.one_of("content_type", ("ALL", "PAID", "ORGANIC"), "ALL")


def reported(world: World, account: SimAccount, metric: str, day: date, now: datetime) -> int:
    """Return an amount of a day without advertising, as the API tells it at an instant: low while it is estimated."""
    return _at(amounts(world, account, day)[metric], status_of(day, now))


def _at(value: int, status: str) -> int:
    return int(value * _PROVISIONAL) if status == "ESTIMATE" else value


def _share(account: SimAccount, content: str) -> float:
    paid = _PAID if account.index % 2 else 0.0
    return {"ORGANIC": 1.0, "PAID": paid, "ALL": 1.0 + paid}[content]


def _status(account: SimAccount, day: date, now: datetime) -> str:
    return "BEFORE_BUSINESS_CREATED" if day < business_since(account) else status_of(day, now)


def _values(call: Call, day: date, status: str, wanted: list[str], share: float) -> Values:
    found: Values = {
        name: int(_at(value, status) * share) for name, value in amounts(call.state.world, call.account, day).items()
    }
    impressions = found["IMPRESSION"]
    return {
        name: found[name] if name in found else rate(found[name.removesuffix("_RATE")], impressions) for name in wanted
    }
