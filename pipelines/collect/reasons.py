"""Classify errors: the reason that records name, and the place of unforeseen errors."""

import traceback

from metrics.documents import FailureReason
from metrics.errors import CredentialError
from pipelines.collect.report import INTERNAL_ERROR
from pipelines.platforms.errors import NeedsReauth, PlatformError, RateLimited

_OURS = ("pipelines", "metrics")


def reason_of(error: Exception) -> FailureReason:
    """Return the reason that records and failures name."""
    if isinstance(error, RateLimited):
        return "rate_limited"
    if isinstance(error, NeedsReauth | CredentialError):
        return "needs_reauth"
    return error.reason if isinstance(error, PlatformError) else INTERNAL_ERROR


def error_place(error: Exception) -> str:
    """Return an unforeseen error's type and place, `KeyError at pipelines/collect/account_collector.py:120`.

    The message is left out, because it may hold secrets or personal data. The place is the innermost line of our own
    code in the traceback.
    """
    return f"{type(error).__name__} at {_place(error)}"


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        parts = frame.filename.replace("\\", "/").split("/")
        for package in _OURS:
            if package in parts[:-1]:
                return f"{'/'.join(parts[len(parts) - 1 - parts[::-1].index(package) :])}:{frame.lineno}"
    return "an unknown place"
