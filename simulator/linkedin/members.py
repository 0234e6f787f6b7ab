"""Member behind a token: profile, OpenID Connect claims, followers of the person.

Facts: docs/platform-facts.md#linkedin-statistics.
"""

from datetime import date, timedelta
from typing import Any

from simulator import truth
from simulator.linkedin.call import Call, page
from simulator.linkedin.problem import invalid
from simulator.world import SimAccount

_LOCALE = {"country": "US", "language": "en"}
_LONGEST = timedelta(days=366)


def member_id(account: SimAccount) -> str:
    """Return the id of the person who administers an organization, the same in all answers."""
    return f"SiM{account.index:07d}"


def me(call: Call) -> Any:
    """Answer `GET /v2/me`."""
    first, last = _names(call.account)
    return {
        "id": member_id(call.account),
        "localizedFirstName": first,
        "localizedLastName": last,
        "firstName": {"localized": {"en_US": first}, "preferredLocale": _LOCALE},
        "lastName": {"localized": {"en_US": last}, "preferredLocale": _LOCALE},
        "vanityName": f"{first}-{last}-{call.account.index}".lower(),
        "localizedHeadline": "Social media manager",
    }


def userinfo(call: Call) -> Any:
    """Answer `GET /v2/userinfo`; the locale is a mapping, as in real answers, not a string as documented."""
    first, last = _names(call.account)
    return {
        "sub": member_id(call.account),
        "name": f"{first} {last}",
        "given_name": first,
        "family_name": last,
        "locale": _LOCALE,
        "email": f"{first}.{last}.{call.account.index}@example.org".lower(),
        "email_verified": True,
    }


def followers_count(call: Call) -> Any:
    """Answer `GET /memberFollowersCount`: the total, or the new followers of each day of a half-open range."""
    world, name = call.state.world, "memberFollowersCount"
    if call.finder("me", "dateRange") == "me":
        return page([{name: truth.account_value(world, call.account, name, call.now)}], total=1)
    first, end = _range(call.params.get("dateRange"))
    begun = min(end, call.now.date() + timedelta(days=1))
    days = [first + timedelta(days=n) for n in range(max((begun - first).days, 0))]
    found = [
        {
            "memberFollowersCount": truth.day_value(world, call.account, name, day),
            "dateRange": {"start": _parts(day), "end": _parts(day + timedelta(days=1))},
        }
        for day in days
    ]
    return page(found, total=len(found))


def _names(account: SimAccount) -> tuple[str, str]:
    first, last, *_ = account.handle.split(".")
    return first.title(), last.title()


def _range(value: Any) -> tuple[date, date]:
    try:
        first, end = (date(*(int(value[name][part]) for part in ("year", "month", "day"))) for name in ("start", "end"))
    except (KeyError, TypeError, ValueError):
        raise invalid("dateRange") from None
    if not timedelta(0) < end - first <= _LONGEST:
        raise invalid("dateRange")
    return first, end


def _parts(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}
