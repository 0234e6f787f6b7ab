"""Streams of Redis as tests read them."""

from typing import cast

from redis import Redis


def entries(redis: Redis, key: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return the id and the fields of every entry of a stream, oldest first.

    The client's own annotations also allow the forms in which a client with other options answers.
    """
    return cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(key))
