"""Error answers of Google's APIs."""

from typing import Any

_STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    409: "ALREADY_EXISTS", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip


class Problem(Exception):
    """Error answer: HTTP status and body. `named_status` says whether the body has the name of the status as well."""

    def __init__(
        self, status: int, reason: str, message: str, domain: str = "global", *, named_status: bool = False, **part: str
    ) -> None:
        super().__init__(message)
        self.status = status
        error: dict[str, Any] = {
            "code": status,
            "message": message,
            "errors": [{"message": message, "domain": domain, "reason": reason, **part}],
        }
        if named_status:
            error["status"] = _STATUSES[status]
        self.body = {"error": error}


def invalid(reason: str, message: str, parameter: str, domain: str = "youtube.parameter") -> Problem:
    """Return the 400 error for a parameter."""
    return Problem(400, reason, message, domain, location=parameter, locationType="parameter")


def unauthenticated() -> Problem:
    """Return the 401 error for a token that is missing, unknown or ended."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential."
    )
    problem = Problem(401, "authError", message, named_status=True, location="Authorization", locationType="header")
    problem.body["error"]["errors"][0]["message"] = "Invalid Credentials"
    return problem
