"""Error answers of Pinterest: a number of Pinterest's own, or the HTTP status again, and a message.

The same number stands for different errors, as in the recorded answers (docs/platform-facts.md#pinterest).
"""

from collections.abc import Iterable

from simulator.state import Answer

LAST_90_DAYS = "You can only get data from the last 90 days."
_RATE_LIMIT = (
    "This request exceeded a rate limit. This can happen if the client exceeds one\nof the published rate limits or if "
    "multiple write operations are applied to\nan object within a short time window."
)


class Problem(Exception):
    """Error answer: HTTP status, number and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"code": code, "message": message})


def invalid(message: str, code: int = 1) -> Problem:
    """Return the error for a parameter that is missing or wrong."""
    return Problem(400, code, message)


def unauthenticated() -> Problem:
    """Return the error for a token that is missing, unknown or ended."""
    return Problem(401, 2, "Authentication failed.")


def pin_not_found(code: int = 50) -> Problem:
    """Return the error for a pin that does not exist, or is of another account."""
    return Problem(404, code, "Pin not found.")


def not_authorized(what: str) -> Problem:
    """Return the error for an object that the token may not read."""
    return Problem(403, 403, f"Not authorized to access {what}.")


def missing_scopes(names: Iterable[str]) -> Problem:
    """Return the error for a token without some scopes."""
    return Problem(401, 3, f"Authorization failed. Missing: {sorted(names)}")


def too_many(code: int = 8) -> Problem:
    """Return the error for a limit that is used."""
    return Problem(429, code, _RATE_LIMIT)
