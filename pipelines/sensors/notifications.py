"""Send alerts through apprise, format them, and suppress repeated ones."""

import json
from collections.abc import Collection, Sequence
from datetime import timedelta

from redis import Redis

from metrics.alerts.receivers import send_to
from metrics.documents import AccountDocument
from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import alert_key
from metrics.settings import Settings
from metrics.visible import visible

SILENT = timedelta(hours=6)
"""If the same failure occurs again within that time, no further alert is sent."""

_LISTED = 20


def send(settings: Settings, title: str, body: str) -> int:
    """Send a message to every URL of TIDEMARK_ALERT_URLS; return how many took it."""
    return sum(send_to(settings, settings.alert_urls, title, body))


def is_first_alert(redis: Redis, key: str) -> bool:
    """Tell whether no alert for a failure was sent lately. True if Redis does not answer: better twice than never."""
    try:
        with redis_errors():
            return bool(redis.set(alert_key(key), 1, nx=True, ex=SILENT))
    except RedisUnavailable:
        return True


def forget_alert(redis: Redis, key: str) -> None:
    """Allow an alert for a failure again, because no receiver took the message."""
    try:
        with redis_errors():
            redis.delete(alert_key(key))
    except RedisUnavailable:
        return


def alerted_accounts(cursor: str | None) -> set[str]:
    """Return the accounts of earlier alerts from a cursor; if it is unreadable, none, so they are alerted once more."""
    try:
        found = json.loads(cursor or "[]")
    except ValueError:
        return set()
    return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()


def reauth_message(waiting: Sequence[AccountDocument], known: Collection[str]) -> tuple[str, str] | None:
    """Return title and body of one message for all accounts that are not in `known`, or None if there are none."""
    news = [account for account in waiting if account["_id"] not in known]
    if not news:
        return None
    lines = [visible(_line(account)) for account in news[:_LISTED]]
    if len(news) > _LISTED:
        lines.append(f"and {len(news) - _LISTED} more: tidemark accounts list")
    accounts = "1 account needs" if len(news) == 1 else f"{len(news)} accounts need"
    what = "to be connected again" if all(a["state"] == "needs_reauth" for a in news) else "attention"
    return f"Tidemark: {accounts} {what}", "\n".join(lines)


def _line(a: AccountDocument) -> str:
    return (
        f"{a['workspaceId']} / {a['platform']} / {a['handle']} ({a['_id']}, {a['state']}): "
        f"{a.get('stateReason', 'no reason given')}"
    )
