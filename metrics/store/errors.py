"""PyMongo's errors become Tidemark's at this boundary."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import ConnectionFailure, ExecutionTimeout, NetworkTimeout, OperationFailure, WTimeoutError

from metrics.errors import MongoUnavailable

_PASSING = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436, 50, 262})
"""Codes of a server that shuts down, changes its primary or ran out of time."""


@contextmanager
def mongo_errors() -> Iterator[None]:
    """Turn what means «not now» into `MongoUnavailable`; leave programming errors as they are."""
    try:
        yield
    except (ConnectionFailure, NetworkTimeout, ExecutionTimeout, WTimeoutError) as error:
        raise MongoUnavailable("MongoDB does not answer; try again when it is back") from error
    except OperationFailure as error:
        if error.code in _PASSING:
            raise MongoUnavailable("MongoDB has no primary just now; try again in a few seconds") from error
        raise
