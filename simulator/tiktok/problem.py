"""Errors of the Display API: a status, a code and a message in `error`, which every answer has."""

import hashlib
from datetime import datetime
from typing import Any

from simulator.state import Answer


def log_id(now: datetime) -> str:
    """Return the id of a request, `20261128060340` and 20 hexadecimal digits."""
    digits = hashlib.sha256(now.isoformat().encode()).hexdigest()[:20].upper()
    return f"{now:%Y%m%d%H%M%S}{digits}"


def envelope(data: dict[str, Any], code: str, message: str, now: datetime) -> dict[str, Any]:
    """Return the body of an answer of the Display API."""
    return {"data": data, "error": {"code": code, "message": message, "log_id": log_id(now)}}


class Problem(Exception):
    """Error answer of the Display API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def answer(self, now: datetime) -> Answer:
        """Return the answer."""
        return Answer(self.status, envelope({}, self.code, self.message, now))


def invalid(message: str) -> Problem:
    """Return the error of a parameter that is missing or wrong."""
    return Problem(400, "invalid_params", message)


def invalid_token() -> Problem:
    """Return the error of a token that is missing, unknown, revoked or past its end."""
    return Problem(401, "access_token_invalid", "The access token is invalid or not found in the request.")


def missing_scope() -> Problem:
    """Return the error of a request for something that the user did not allow."""
    message = "The user did not authorize the scope required for completing this request."
    return Problem(401, "scope_not_authorized", message)


def too_many() -> Problem:
    """Return the error of a request beyond the limit of its endpoint; there is no header that tells when it ends."""
    return Problem(429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later.")
