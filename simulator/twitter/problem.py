"""Errors of X, for a whole answer and for one resource in an answer."""

from typing import Any

PROBLEMS = "https://api.x.com/2/problems"


class Problem(Exception):
    """Error answer: HTTP status and body."""

    def __init__(self, status: int, title: str, detail: str, kind: str = "about:blank", **more: Any) -> None:
        super().__init__(detail)
        type_ = kind if kind == "about:blank" else f"{PROBLEMS}/{kind}"
        self.status = status
        self.body: dict[str, Any] = {"title": title, "detail": detail, "type": type_, "status": status, **more}


def invalid(message: str, **parameters: Any) -> Problem:
    """Return the 400 error for a wrong parameter."""
    errors = [{"parameters": {k: [v] for k, v in parameters.items()}, "message": message}]
    problem = Problem(
        400, "Invalid Request", "One or more parameters to your request was invalid.", "invalid-request", errors=errors
    )
    del problem.body["status"]
    return problem


def unsupported(used: str, *supported: str) -> Problem:
    """Return the 403 error for a kind of token that an endpoint does not accept."""
    detail = (
        f"Authenticating with {used} is forbidden for this endpoint.  Supported authentication types are "
        f"[{', '.join(supported)}]."
    )
    return Problem(403, "Unsupported Authentication", detail, "unsupported-authentication")


def suspended(value: str, parameter: str) -> dict[str, Any]:
    """Return the partial error for a suspended user; as recorded, its title says forbidden and its type not found."""
    found = not_found(value, parameter, "user")
    return found | {"title": "Forbidden", "detail": f"User has been suspended: [{value}]."}


def unauthorized(value: str, parameter: str, resource: str = "tweet") -> dict[str, Any]:
    """Return the partial error for what exists but is hidden: its author is suspended, or protects the posts."""
    return {
        "value": value,
        "parameter": parameter,
        "resource_id": value,
        "resource_type": resource,
        "section": "data",
        "title": "Authorization Error",
        "detail": f"Sorry, you are not authorized to see the {resource.title()} with {parameter}: [{value}].",
        "type": f"{PROBLEMS}/not-authorized-for-resource",
    }


def not_found(value: str, parameter: str = "ids", resource: str = "tweet") -> dict[str, Any]:
    """Return the partial error for a post or user that does not exist."""
    return {
        "value": value,
        "detail": f"Could not find {resource} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{PROBLEMS}/resource-not-found",
    }
