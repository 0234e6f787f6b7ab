"""Convert errors of PyMongo into Tidemark's errors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    WTimeoutError,
)

from metrics.documents import Document
from metrics.errors import MongoUnavailable, SettingsError

_PASSING = frozenset(
    {
        *(6, 7, 89, 9001),  # a host or a connection that went away
        *(10107, 13435, 13436, 189, 91, 11600, 11602, 133, 134),  # a server that shuts down or changes its primary
        *(43, 237),  # the cursor of a server that is no longer the primary
        *(50, 64, 262),  # out of time
    }
)
_LOGIN_REFUSED = frozenset({13, 18})
"""Unauthorized: the client did not log in, or has no right to the command. AuthenticationFailed: wrong login."""
_REFUSED = "TIDEMARK_MONGO_URL: MongoDB needs a user with rights to the database; check the user and the password"
_DUPLICATE_KEY = 11000


@contextmanager
def mongo_errors() -> Iterator[None]:
    """Raise temporary failures as `MongoUnavailable`, a refused login as `SettingsError`, other errors unchanged.

    A bulk write fails temporarily if any part of it does: the outcome of that part is unknown, so the caller has to
    repeat the whole write.
    """
    try:
        yield
    except (ConnectionFailure, NetworkTimeout, ExecutionTimeout, WTimeoutError) as error:
        raise MongoUnavailable("MongoDB does not answer; try again when it is back") from error
    except OperationFailure as error:
        if not _PASSING.isdisjoint(_codes(error)):
            raise MongoUnavailable("MongoDB has no primary at the moment; try again in a few seconds") from error
        if not _LOGIN_REFUSED.isdisjoint(_codes(error)):
            raise SettingsError(_REFUSED) from error
        raise


def duplicates(error: BulkWriteError) -> Sequence[Document]:
    """Return the write errors of a bulk write that failed only because some documents existed already.

    Raises:
        BulkWriteError: there was any other error.
    """
    details = error.details or {}
    failed: list[Document] = details.get("writeErrors", [])
    if not failed or details.get("writeConcernErrors") or any(write["code"] != _DUPLICATE_KEY for write in failed):
        raise error
    return failed


def _codes(error: OperationFailure) -> set[int]:
    """Return the codes of an error; those of a bulk write are the codes of its failed parts."""
    found = {error.code} if error.code is not None else set()
    details = error.details or {}
    if isinstance(error, BulkWriteError):
        parts = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
    else:
        parts = [one] if (one := details.get("writeConcernError")) else []
    return found | {part["code"] for part in parts if "code" in part}
