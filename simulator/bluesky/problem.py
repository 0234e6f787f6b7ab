"""Errors of XRPC: a status, a name and a message."""

from simulator.state import Answer


class Problem(Exception):
    """Error answer of a call."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"error": name, "message": message})


def invalid(message: str) -> Problem:
    """Return the 400 error of a request that cannot be answered."""
    return Problem(400, "InvalidRequest", message)


def invalid_params(method: str, what: str) -> Problem:
    """Return the error for a parameter that the lexicon of a method does not allow."""
    return invalid(f"Invalid {method} params: {what}")


def expired() -> Problem:
    """Return the error for an expired token: 400, not 401."""
    return Problem(400, "ExpiredToken", "Token has expired")
