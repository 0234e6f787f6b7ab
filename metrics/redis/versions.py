"""The `dataVersion` of a workspace, which invalidates cached answers at each write.

Answers are cached under the version at which they were read. Each announced write gives the workspace a version that
was never used before. So nothing has to be searched and deleted, and a slow reader can only fill the cache of an old
version.

A version is `<epoch>-<n>`. The epoch changes whenever the Redis server is another one (its `run_id` differs after a
restart or a failover), because increments may have been lost then. So no version is ever used twice.
"""

from typing import cast
from uuid import uuid4

from redis import Redis

from metrics.batches import batched
from metrics.redis.errors import redis_errors
from metrics.redis.keys import cache_prefix, cached_keys_key, events_key, version_key, workspaces_with_keys

CURRENT_VERSION = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local known = redis.call('HMGET', KEYS[1], 'run', 'epoch', 'n', 'cleared')
if known[1] ~= run then
  if known[1] then
    redis.call('XADD', KEYS[2], '*', 'event', 'reset', 'account', '', 'post', '', 'data', '{}')
  end
  redis.call('HSET', KEYS[1], 'run', run, 'epoch', ARGV[1], 'n', 0)
  known = {run, ARGV[1], '0', known[4]}
end
"""
"""Lua: sets `known[2]` and `known[3]` to epoch and number.

KEYS[1] is the version key, KEYS[2] the stream, ARGV[1] an unused epoch. A server that was restarted or replaced may
have lost the newest events; the entry `reset` tells that to all clients that read past it.
"""

_RESTART = (
    CURRENT_VERSION
    + """
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'n', 0)
redis.call('XADD', KEYS[2], '*', 'event', 'reset', 'account', '', 'post', '', 'data', '{}')
"""
)

_KEYS_AT_ONCE = 1000

READ_VERSION = CURRENT_VERSION + "return known[2] .. '-' .. known[3]"


def new_epoch() -> str:
    """Return an epoch that was never used."""
    return uuid4().hex[:16]


def data_version(redis: Redis, workspace_id: str) -> str:
    """Return the present version of a workspace's data.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    keys = (version_key(workspace_id), events_key(workspace_id))
    with redis_errors():
        return str(redis.eval(READ_VERSION, 2, *keys, new_epoch()), "ascii")


def restart(redis: Redis, workspace_id: str) -> None:
    """Begin a new epoch of a workspace, and append `reset` to its stream: everything that was read before is obsolete.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    keys = (version_key(workspace_id), events_key(workspace_id))
    with redis_errors():
        redis.eval(_RESTART, 2, *keys, new_epoch(), new_epoch())


def known_workspaces(redis: Redis) -> set[str]:
    """Return the workspaces of which Redis holds a version or events.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        return workspaces_with_keys(redis)


def invalidate(redis: Redis, workspace_id: str, pattern: str = "*") -> int:
    """Delete the cached answers of a workspace whose key begins with `pattern` (`aggregated:*`); return how many.

    The cost grows with the answers of this workspace alone, which are bounded (`serving.cache.answer_cache`).

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    dropped, prefix = 0, cache_prefix(workspace_id, pattern.rstrip("*")).encode()
    index = cached_keys_key(workspace_id)
    with redis_errors():
        kept: list[bytes] = cast("list[bytes]", redis.zrange(index, 0, -1))
        for keys in batched((key for key in kept if key.startswith(prefix)), _KEYS_AT_ONCE):
            dropped += int(redis.unlink(*keys))
            redis.zrem(index, *keys)
        # Serving processes drop the copies in their memory when this number changes.
        redis.hincrby(version_key(workspace_id), "cleared", 1)
    return dropped
