"""Errors of the Graph API: their envelope, and the bodies that several modules use.

Facts: docs/platform-facts.md#meta-errors.
"""

from typing import Any

from simulator.world import SimAccount


class GraphError(Exception):
    """Error answer: HTTP status and envelope (docs/platform-facts.md#meta-errors)."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        status: int = 400,
        transient: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, **more}
        if subcode is not None:
            self.body["error_subcode"] = subcode
        if transient:
            self.body["is_transient"] = True
        self.body["fbtrace_id"] = "AsimulatedTraceId"


def too_many(account: SimAccount) -> GraphError:
    """Return the error for an account's exhausted rate limit; Pages and Instagram accounts have different codes."""
    if account.platform == "facebook":
        message = "(#80001) There have been too many calls to this Page account. Wait a bit and try again."
        return GraphError(80001, message, subcode=2494055)
    return GraphError(80002, "(#80002) There have been too many calls to this Instagram account.")


def forbidden(account: SimAccount) -> GraphError:
    """Return the error for a missing permission: code 10, but for Pages code 100, as for missing objects."""
    if account.platform == "facebook":
        return GraphError(
            100,
            "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does "
            "not support this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page "
            "Public Content Access' feature or the 'Page Public Metadata Access' feature.",
        )
    return GraphError(10, "(#10) Application does not have permission for this action", status=403)


def missing(object_id: str) -> GraphError:
    """Return the error for an object that does not exist, or that this token may not see; the body is the same."""
    return GraphError(
        100,
        f"Unsupported get request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation",
        subcode=33,
        error_data={},
    )


def no_field(name: str, kind: str) -> GraphError:
    """Return the error for a field or an edge that objects of a kind do not have."""
    return GraphError(100, f"(#100) Tried accessing nonexisting field ({name}) on node type ({kind})")


def not_valid() -> GraphError:
    """Return the error for a metric that Pages and posts do not have; it does not name the metric."""
    return GraphError(100, "(#100) The value must be a valid insights metric")
