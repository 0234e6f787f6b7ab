"""Alerts to people, by whatever apprise can reach: what is told, once, and to whom."""

import json
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from pydantic import SecretStr
from redis import Redis

from metrics.documents import AccountDocument
from metrics.errors import RedisUnavailable
from metrics.network import Network
from metrics.redis.client import redis_errors
from metrics.settings import Settings
from metrics.visible import visible

SILENT = timedelta(hours=6)
"""A failure that comes again within that time is not told again."""

_LISTED = 20


def send(settings: Settings, title: str, body: str) -> int:
    """Send a message to every URL of TIDEMARK_ALERT_URLS; return how many took it.

    The URLs hold secrets and are never logged.
    """
    import apprise  # every run loads this module, few send

    Network.of(settings).export()
    urls = settings.alert_urls

    def taken(url: SecretStr) -> bool:
        receiver = apprise.Apprise()
        return receiver.add(url.get_secret_value()) and bool(receiver.notify(title=title, body=body))

    # All at the same time: one that does not answer holds up no other.
    with ThreadPoolExecutor(len(urls)) as pool:
        return sum(pool.map(taken, urls))


def first_time(redis: Redis, key: str) -> bool:
    """Tell whether a failure is news. Without Redis everything is: better told twice than never."""
    try:
        with redis_errors():
            return bool(redis.set(f"tm:{{alerts}}:{key}", 1, nx=True, ex=SILENT))
    except RedisUnavailable:
        return True


def forget(redis: Redis, key: str) -> None:
    """Let a failure be told again: nobody took the message."""
    try:
        with redis_errors():
            redis.delete(f"tm:{{alerts}}:{key}")
    except RedisUnavailable:
        return


def told(cursor: str | None) -> set[str]:
    """Return the accounts that were told of; an unreadable cursor means none, and they are told of once more."""
    try:
        found = json.loads(cursor or "[]")
    except ValueError:
        return set()
    return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()


def reauth_message(waiting: Sequence[AccountDocument], known: Collection[str]) -> tuple[str, str] | None:
    """Return the title and the body of one message for all accounts that began to wait, or None."""
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
