"""Names of all Redis keys, and scans for them.

Every key has a hash tag. The tag of a workspace's keys is `{workspaceId}`, so that they are in one hash slot of a
cluster and a script can use several of them. Keys of a platform, or of the whole deployment, have their own tag.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from redis import Redis

from metrics.batches import batched

RATE_PREFIX = "tm:rate"
"""The library `limits` names the keys of rate limits; they begin with this."""
CELERY_PREFIX = "tm:celery:"
"""Celery names the keys of its queues; they begin with this."""
_SCANNED_AT_ONCE = 1000
_OF_WORKSPACE = re.compile(r"tm:\{(.+)\}:(?:version|events)")


def version_key(workspace_id: str) -> str:
    """Return the key of a workspace's `dataVersion`."""
    return f"{_workspace_prefix(workspace_id)}version"


def events_key(workspace_id: str) -> str:
    """Return the key of a workspace's stream of events."""
    return f"{_workspace_prefix(workspace_id)}events"


def announced_key(workspace_id: str, token: str) -> str:
    """Return the idempotency key of an announcement, which lives as long as its command may be repeated."""
    return f"{_workspace_prefix(workspace_id)}announced:{token}"


def cache_prefix(workspace_id: str, pattern: str = "") -> str:
    """Return the prefix of the keys of a workspace's cached answers."""
    return f"{_workspace_prefix(workspace_id)}cache:{pattern}"


def cache_key(workspace_id: str, kind: str, digest: str, version: str) -> str:
    """Return the key of one cached answer."""
    return f"{cache_prefix(workspace_id)}{kind}:{digest}:{version}"


def cached_keys_key(workspace_id: str) -> str:
    """Return the key of the sorted set of the keys of a workspace's cached answers, by their expiry."""
    return f"{_workspace_prefix(workspace_id)}cached"


def public_route(platform: str) -> str:
    """Return the name that stands for a platform in the keys of limits on reading the accounts of others."""
    return f"{platform}-public"


def platform_pause_key(platform: str) -> str:
    """Return the key of the pause of a whole platform."""
    return f"tm:{{{platform}}}:paused"


def account_pause_key(platform: str, platform_account_id: str) -> str:
    """Return the key of the pause of a platform's account, which holds for all workspaces that have it."""
    return f"{platform_pause_key(platform)}:{platform_account_id}"


def renewal_key(platform: str, platform_account_id: str) -> str:
    """Return the key of the lock for renewing the token of a platform's account."""
    return f"tm:{{{platform}}}:renewing:{platform_account_id}"


def posts_read_key(platform: str, day: date) -> str:
    """Return the key of the set of posts, by the platform's ids, that a platform billed on a day."""
    return f"{_posts_read_prefix(platform)}{day:%Y-%m-%d}"


def posts_reserved_key(platform: str, day: date) -> str:
    """Return the key of the number of posts that workers have reserved from a day's budget."""
    return f"tm:{{{platform}}}:posts-reserved:{day:%Y-%m-%d}"


def quota_key(platform: str, quota: str, day: date) -> str:
    """Return the key of the number of calls that a platform's daily quota has counted on a day of its own."""
    return f"tm:{{{platform}}}:quota:{quota}:{day:%Y-%m-%d}"


def pace_key(platform: str, endpoint: str) -> str:
    """Return the key of the list of instants at which the newest calls to an endpoint of a platform are sent."""
    return f"tm:{{{platform}}}:window:{endpoint}"


def calls_key(platform: str, platform_account_id: str) -> str:
    """Return the key of the hash of calls that were made for a platform's account, by hour since 1970."""
    return f"tm:{{{platform}}}:calls:{platform_account_id}"


def alert_key(name: str) -> str:
    """Return the key that marks an alert as sent."""
    return f"tm:{{alerts}}:{name}"


def ticket_key(hashed_ticket: str) -> str:
    """Return the key of a stream ticket; only the ticket's hash is stored."""
    return f"tm:{{ticket:{hashed_ticket}}}"


def connect_offer_key(hashed_ticket: str) -> str:
    """Return the key of an offer to connect an account, by the hash of its ticket."""
    return f"tm:{{connect:{hashed_ticket}}}:offer"


def connect_flow_key(hashed_state: str) -> str:
    """Return the key of a connection under way at a platform, by the hash of its state."""
    return f"tm:{{connect:{hashed_state}}}:flow"


def connect_choice_key(flow_id: str) -> str:
    """Return the key of the accounts of a login among which a person has to choose."""
    return f"tm:{{connect:{flow_id}}}:choice"


def connect_outcome_key(flow_id: str) -> str:
    """Return the key of the outcome of a connection, which a waiting command reads."""
    return f"tm:{{connect:{flow_id}}}:outcome"


def export_lease_key(root: str) -> str:
    """Return the key of the lease on the folders of an export."""
    return f"tm:{{export}}:lease:{root}"


def hanging_runs_key() -> str:
    """Return the key of the number of Dagster's runs that hang."""
    return "tm:{dagster}:hanging_runs"


def other_retention_key(process: str) -> str:
    """Return the key under which a process notes that its settings ask for another retention than the database has."""
    return f"tm:{{retention}}:{process}"


def keys_of_workspace(redis: Redis, workspace_id: str) -> Iterator[list[bytes]]:
    """Yield all keys of a workspace, in batches."""
    return _scanned(redis, _workspace_prefix(workspace_id))


def keys_of_account(redis: Redis, workspace_id: str, account_id: str) -> Iterator[list[bytes]]:
    """Yield the keys that may hold data of an account: all cached answers of its workspace, and keys that name it."""
    yield from _scanned(redis, cache_prefix(workspace_id))
    yield from _scanned(redis, _workspace_prefix(workspace_id), f":{account_id}")


def keys_of_posts_read(redis: Redis, platform: str) -> Iterator[list[bytes]]:
    """Yield the keys of a platform's daily sets of billed posts."""
    return _scanned(redis, _posts_read_prefix(platform))


def workspaces_with_keys(redis: Redis) -> set[str]:
    """Return the workspaces of which Redis holds a version or events."""
    scan: Iterator[Any] = redis.scan_iter(match="tm:{*}:*", count=_SCANNED_AT_ONCE)
    return {found[1] for name in scan if (found := _OF_WORKSPACE.fullmatch(name.decode()))}


def _workspace_prefix(workspace_id: str) -> str:
    return f"tm:{{{workspace_id}}}:"


def _posts_read_prefix(platform: str) -> str:
    return f"tm:{{{platform}}}:posts-read:"


def _scanned(redis: Redis, prefix: str, suffix: str = "") -> Iterator[list[bytes]]:
    """Yield the names of keys with a prefix and a suffix, in batches."""
    scan: Iterator[Any] = redis.scan_iter(match=f"{_escaped(prefix)}*", count=_SCANNED_AT_ONCE)
    tail = suffix.encode()
    yield from batched((name for name in scan if name.endswith(tail)), _SCANNED_AT_ONCE)


def _escaped(text: str) -> str:
    """Escape the special characters of glob patterns, which an id may contain."""
    return "".join(f"\\{c}" if c in "*?[]^\\" else c for c in text)
