"""Protocol of a call: LinkedIn's API version, and one of the two versions of Rest.li.

A call without `X-Restli-Protocol-Version` is parsed as Rest.li 1.0, according to LinkedIn's page "Protocol Versions"
and to recordings of connectors that never send the header. Rest.li 2.0 is parsed as strictly as by LinkedIn: an
unencoded URN is invalid.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from simulator.linkedin import restli, restli_v1
from simulator.linkedin.problem import Problem
from simulator.state import Request

OLDEST_VERSION, NEWEST_VERSION = "202512", "202611"
ONE, TWO = "1.0.0", "2.0.0"
_LISTS = ("ids", "shares", "ugcPosts")
"""Parameters that are lists, even with a single item."""

Params = dict[str, Any]


def protocol_of(headers: Mapping[str, str]) -> str:
    """Return the Rest.li version of a call.

    Raises:
        Problem: it is neither of the two; the text is that of Rest.li's server.
    """
    requested = headers.get("x-restli-protocol-version", ONE)
    if requested not in (ONE, TWO):
        raise Problem(400, f"Rest.li protocol version {requested} used by the client is not supported!")
    return requested


def check_version(headers: Mapping[str, str]) -> None:
    """Refuse a call without a version of the API, or with one that is not active.

    Raises:
        Problem: 400 without a version, 426 for one that is too old or does not exist yet.
    """
    version = headers.get("linkedin-version")
    if version is None:
        raise Problem(400, "A version must be present. Please specify a version by adding the Linkedin-Version header.",
                      "VERSION_MISSING")  # fmt: skip
    if not OLDEST_VERSION <= version <= NEWEST_VERSION:
        raise Problem(426, f"Requested version {version} is not active", "NONEXISTENT_VERSION")


def params_of(request: Request, protocol: str) -> Params:
    """Return a call's parameters; a long query may come as the form body of a POST.

    Raises:
        Malformed: names the parameter.
    """
    query = request.query or request.body.decode(errors="replace")
    return restli_v1.parse_query(query, _LISTS) if protocol == ONE else restli.parse_query(query)


def key_of(text: str, protocol: str) -> str:
    """Return the key in a path.

    Raises:
        Problem: in Rest.li 2.0, the key has an unencoded colon, comma or bracket, which is reserved for syntax.
    """
    if protocol == TWO and set(":,()") & set(text):
        raise Problem(400, "Syntax exception in path variables", "ILLEGAL_ARGUMENT")
    return unquote(text)
