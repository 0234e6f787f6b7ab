"""What a message about anomalies says: what, when, how much was observed and expected, and how rare that is."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from metrics.anomalies import AnomalyDocument, CollectionCause
from metrics.calendars import Calendar
from metrics.connecting.authorization import public_url
from metrics.periods import HOUR
from metrics.settings import Settings
from metrics.store.insights.anomalies import ENDED_HOURS
from metrics.visible import visible
from pipelines.resources import Clients

NAMED = 10
"""How many anomalies a message names; the others are counted."""

_METRICS: Mapping[str, str] = {
    "totalEngagement": "engagement",
    "totalViews": "views",
    "totalImpressions": "impressions",
    "followers": "gain of followers",
    "reach": "reach",
    "accountViews": "views of the account",
    "profileViews": "visits to the profile",
    "engagement": "engagement",
}
_KINDS: Mapping[str, str] = {
    "spike": "far above what was expected",
    "drop": "far below what was expected",
    "outage": "at almost nothing",
}
_SHIFTED: Mapping[str, str] = {
    "up": "above what was expected for days in a row",
    "down": "below what was expected for days in a row",
}
_CAUSES: Mapping[CollectionCause, str] = {
    "fewer_accounts": "fewer hours were observed than usual",
    "metric_vanished": "the numbers vanished",
    "frozen": "no number moved",
    "lifetime_fell": "values that only grow fell",
    "rounded": "the platform began to round them",
}


def by_severity(anomalies: Sequence[AnomalyDocument]) -> list[AnomalyDocument]:
    """Return anomalies with the most severe first; among equals, those of whole platforms, then the farthest.

    Those of hours that are over come last.
    """
    return sorted(
        anomalies,
        key=lambda one: (_over(one), -one["severity"], one["scope"] != "platform", -abs(one.get("score", 0.0))),
    )


def _over(one: AnomalyDocument) -> bool:
    """Tell whether an anomaly of hours ended before it could be told."""
    return all(one.get(name) == value for name, value in ENDED_HOURS.items())


def message(
    clients: Clients, workspace_id: str, anomalies: Sequence[AnomalyDocument], message_id: str
) -> tuple[str, str]:
    """Return title and body of a message about anomalies of a workspace, which are sorted by severity.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    named = anomalies[:NAMED]
    handles = {
        one["_id"]: one["handle"]
        for one in clients.store.accounts.of_ids([one["accountId"] for one in named if "accountId" in one])
    }
    calendar = clients.store.calendars.get(workspace_id).current
    lines = []
    for place, one in enumerate(named):
        if _over(one) and (place == 0 or not _over(named[place - 1])):
            lines.append("What follows was over before it could be told:")
        lines.append(f"Severity {one['severity']} of 10: {_line(one, handles, calendar)}.")
    if len(anomalies) > NAMED:
        lines.append(f"And {len(anomalies) - NAMED} more.")
    if (link := link_to(clients.settings, workspace_id)) is not None:
        lines.append(link)
    lines += [f"workspace: {workspace_id}", f"message: {message_id}"]
    count = "1 anomaly" if len(anomalies) == 1 else f"{len(anomalies)} anomalies"
    up_to = "severity" if len(anomalies) == 1 else "severity up to"
    worst = max(one["severity"] for one in anomalies)
    title = f"Tidemark: {count} in {workspace_id}, {up_to} {worst} of 10"
    return visible(title), "\n".join(map(visible, lines))


def link_to(settings: Settings, workspace_id: str) -> str | None:
    """Return the address of the dashboard's page of what happened, None if the public address is not known."""
    if settings.connect_url is None:
        return None
    return f"{public_url(settings)}/?{urlencode({'workspace': workspace_id, 'page': 'happened'})}"


def _line(one: AnomalyDocument, handles: Mapping[str, str], calendar: Calendar) -> str:
    when = _when(one, calendar)
    if one["kind"] == "collection":
        return f"{_collected(one, handles)} {when}. The cause is the collection, not the audience"
    if one["kind"] == "breakout":
        return _broken_out(one, handles, calendar)
    direction = one.get("direction", "up")
    if one["kind"] == "platform":
        side = "above" if direction == "up" else "below"
        share = f"{one['evidence'].get('share', 0):.0%}".replace("%", " %")
        return (
            f"{share} of all accounts of {one['platform']} at once lay far {side} what was expected {when}{_known(one)}"
        )
    how = _SHIFTED[direction] if one["kind"] == "shift" else _KINDS[one["kind"]]
    return f"{_metric(one)} of {_account(one, handles)} lay {how} {when}{_numbers(one)}{_known(one)}"


def _known(one: AnomalyDocument) -> str:
    """Return the holidays and campaigns of its days, which may explain it."""
    known = [f"{day['title']} ({day['kind']})" for day in one.get("known", ())]
    return f". Known of that time: {', '.join(known)}" if known else ""


def title_of_picture(one: AnomalyDocument) -> str:
    """Return the title of the picture of an anomaly; it has neither an id nor a text from outside."""
    if one["kind"] == "breakout":
        what = f"engagement of posts after {_hours(one)}"
        return f"{what}, {one['platform']}: severity {one['severity']} of 10".capitalize()
    # By day, the values of followers are the followers, and not what was gained.
    metric = "followers" if one["grain"] == "day" and one.get("metric") == "followers" else _metric(one)
    return f"{metric} by {one['grain']}, {one['platform']}: severity {one['severity']} of 10".capitalize()


def _metric(one: AnomalyDocument) -> str:
    metric = one.get("metric", "numbers")
    return _METRICS.get(metric, metric)


def _broken_out(one: AnomalyDocument, handles: Mapping[str, str], calendar: Calendar) -> str:
    at = f"{_local(one['from'], calendar):%Y-%m-%d %H:%M} ({calendar.time_zone})"
    post = f"a {one.get('metricType', 'post')} of {_account(one, handles)}, published at {at},"
    times = number(one.get("multiple", 0.0))
    return f"{post} has {times} times the usual engagement after {_hours(one)}{_numbers(one)}"


def _hours(one: AnomalyDocument) -> str:
    age = one.get("age", 0.0)
    return "1 hour" if age == 1 else f"{age:g} hours"


def _collected(one: AnomalyDocument, handles: Mapping[str, str]) -> str:
    cause = _CAUSES[one["evidence"]["cause"]] if "cause" in one["evidence"] else "something changed"
    if one["scope"] == "platform":
        shares = (
            f" ({one['observed']:.0%}, usually {one['expected']:.0%})" if {"observed", "expected"} <= set(one) else ""
        )
        return f"accounts of {one['platform']}: {cause}{shares.replace('%', ' %')}"
    of = f"{_metric(one)} of " if "metric" in one else ""
    return f"{of}{_account(one, handles)}: {cause}"


def _account(one: AnomalyDocument, handles: Mapping[str, str]) -> str:
    account_id = one.get("accountId", "")
    return f"{handles.get(account_id, account_id)} ({one['platform']})"


def _numbers(one: AnomalyDocument) -> str:
    if "observed" not in one or "expected" not in one:
        return ""
    band = f" ({number(one['lo'])} to {number(one['hi'])})" if "lo" in one and "hi" in one else ""
    return f": {number(one['observed'])} observed, {number(one['expected'])} expected{band}"


def _when(one: AnomalyDocument, calendar: Calendar) -> str:
    """Return the hours or days of an anomaly in the workspace's zone; those of a whole platform are days in UTC."""
    if one["kind"] == "platform":
        return f"on {one['from'].astimezone(UTC):%Y-%m-%d} (UTC)"
    if one["grain"] == "day":
        first, last = calendar.date_of(one["from"]), calendar.date_of(one["to"] - HOUR)
        return f"on {first}" if first == last else f"from {first} to {last}"
    first_hour, end = (_local(one[name], calendar) for name in ("from", "to"))
    until = f"{end:%H:%M}" if first_hour.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"from {first_hour:%Y-%m-%d %H:%M} to {until} ({calendar.time_zone})"


def _local(instant: datetime, calendar: Calendar) -> datetime:
    return instant.astimezone(ZoneInfo(calendar.time_zone))


def number(value: float) -> str:
    """Return a number as people read it: with separators, and without a fraction that says nothing."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.3g}"
