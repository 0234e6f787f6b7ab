"""Error answers of LinkedIn."""

from typing import Any


class Problem(Exception):
    """Error answer: HTTP status and body."""

    def __init__(self, status: int, message: str, code: str | None = None, service_code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"status": status, "message": message}
        if code is not None:
            self.body["code"] = code
        if service_code is not None:
            self.body["serviceErrorCode"] = service_code


def invalid(parameter: str) -> Problem:
    """Return the 400 error for an invalid parameter."""
    return Problem(400, f"Parameter '{parameter}' is invalid", "ILLEGAL_ARGUMENT")
