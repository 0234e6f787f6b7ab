"""The `dataVersion` of a workspace: what makes a cached answer old the moment something is written.

Answers are cached under the version that they were read at. Each announced write gives the workspace a version that
never was before, so nothing has to be searched and deleted, and a slow filler can only fill an old version.

A version is `<epoch>-<n>`. The epoch is new whenever Redis began anew (its `run_id` differs: a restart, a failover,
another server), because then increments may have been lost; so no version ever comes twice.
"""

import re
from collections.abc import Iterator
from uuid import uuid4

from redis import Redis

from metrics.redis.client import cache_prefix, events_key, redis_errors, version_key

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

KEYS[1] is the version key, KEYS[2] the stream, ARGV[1] an epoch never used. A server that began anew may have lost the
newest events; a `reset` in the stream says so to everyone who reads past it.
"""

_RESTART = (
    CURRENT_VERSION
    + """
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'n', 0)
redis.call('XADD', KEYS[2], '*', 'event', 'reset', 'account', '', 'post', '', 'data', '{}')
"""
)
_OF_WORKSPACE = re.compile(r"tm:\{(.+)\}:(?:version|events)")

READ_VERSION = CURRENT_VERSION + "return known[2] .. '-' .. known[3]"


def new_epoch() -> str:
    """Return an epoch that never was."""
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
    """Begin a new epoch of a workspace and tell its streams so: what was read before is of another world.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    keys = (version_key(workspace_id), events_key(workspace_id))
    with redis_errors():
        redis.eval(_RESTART, 2, *keys, new_epoch(), new_epoch())


def known_workspaces(redis: Redis) -> set[str]:
    """Return the workspaces that Redis holds a version or events of.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        names = [name.decode() for name in redis.scan_iter(match="tm:{*}:*", count=1000)]
    return {found[1] for name in names if (found := _OF_WORKSPACE.fullmatch(name))}


def invalidate(redis: Redis, workspace_id: str, pattern: str = "*") -> int:
    """Drop cached answers of a workspace whose key begins with `pattern` (`aggregated:*`); return how many.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    prefix = _escape(cache_prefix(workspace_id, pattern.rstrip("*")))
    dropped = 0
    with redis_errors():
        for keys in _chunks(redis.scan_iter(match=f"{prefix}*", count=1000)):
            dropped += int(redis.unlink(*keys))
        # Copies in the memory of serving processes were kept under the number before.
        redis.hincrby(version_key(workspace_id), "cleared", 1)
    return dropped


def _escape(text: str) -> str:
    """Take the special meaning from glob characters: a pattern means a prefix."""
    return "".join(f"\\{c}" if c in "*?[]^\\" else c for c in text)


def _chunks(keys: Iterator[bytes], size: int = 500) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for key in keys:
        chunk.append(key)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
