"""Errors of the simulated Threads API: Meta's envelope with the type `THApiException`."""

from typing import Any

from simulator.graph.errors import GraphError

_TYPE = "THApiException"


def error(code: int, message: str, **more: Any) -> GraphError:
    """Return an error of Threads; `more` has the status, the subcode or further fields, as `GraphError` takes them."""
    return GraphError(code, message, type=_TYPE, **more)


def missing(object_id: str) -> GraphError:
    """Return the error for an object that does not exist, or that this token may not see."""
    return error(
        100,
        f"Unsupported get request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation",
        subcode=33,
    )


def forbidden() -> GraphError:
    """Return the error for a missing permission."""
    return error(10, "Application does not have permission for this action", status=403)


def no_field(name: str, kind: str) -> GraphError:
    """Return the error for a field or an edge that objects of a kind do not have."""
    return error(100, f"Tried accessing nonexisting field ({name}) on node type ({kind})")


def invalid(message: str) -> GraphError:
    """Return the error for a parameter that is not valid."""
    return error(100, f"Param {message}")
