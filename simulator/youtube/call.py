"""Call of the Data API, and the parsing of its parameters: lists come comma-joined, repeated, or both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from simulator.faults import Target
from simulator.pictures import picture_url
from simulator.state import State
from simulator.world import SimAccount, SimPost
from simulator.youtube.problem import Problem, invalid

MAX_RESULTS, USUAL_RESULTS, MAX_IDS = 50, 5, 50
_STANDARD = frozenset(
    ["alt", "key", "prettyPrint", "quotaUser", "fields", "callback", "$.xgafv", "uploadType", "upload_protocol"]
)
"""Parameters that every method of Google's APIs has."""

Params = Mapping[str, list[str]]


@dataclass(frozen=True)
class Call:
    """One call: the account of the token, or None for an API key, the parameters, and the instant."""

    state: State
    account: SimAccount | None
    params: Params
    now: datetime
    aim: Target
    base_url: str = ""

    def text(self, name: str) -> str | None:
        """Return the last value of a parameter, or None if it is absent."""
        return self.params[name][-1] if name in self.params else None

    def items(self, name: str) -> list[str]:
        """Return the items of a list, however they are joined."""
        return [item for value in self.params.get(name, ()) for item in value.split(",") if item]


def parse(query: str) -> Params:
    """Return the values of each parameter of a query."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def check_known(params: Params, known: Iterable[str]) -> None:
    """Refuse unknown parameters.

    Raises:
        Problem: the parameter.
    """
    for name in params:
        if name not in _STANDARD and name not in known:
            message = f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
            raise Problem(400, "badRequest", message, named_status=True)


def parts_of(call: Call, known: Iterable[str]) -> list[str]:
    """Return the requested parts.

    Raises:
        Problem: there are none, or one of them is unknown.
    """
    parts = call.items("part")
    if not parts:
        raise invalid("missingRequiredParameter", "No part is requested.", "part", "global")
    for part in parts:
        if part not in known:
            raise invalid("unknownPart", f"'{part}'", "part")
    return parts


def only_filter(call: Call, *names: str) -> str:
    """Return which filter the call has.

    Raises:
        Problem: it has none, or several.
    """
    given = [name for name in names if name in call.params]
    if not given:
        message = f"No filter selected. Expected one of: {', '.join(names)}"
        raise invalid("missingRequiredParameter", message, "parameters.", "youtube.parameter")
    if len(given) > 1:
        message = f"Incompatible parameters specified in the request: {', '.join(given)}"
        raise invalid("incompatibleParameters", message, "parameters.")
    return given[0]


def ids_of(call: Call, name: str = "id") -> list[str]:
    """Return the requested ids, each once.

    Raises:
        Problem: there are more than 50.
    """
    ids = list(dict.fromkeys(call.items(name)))
    if len(ids) > MAX_IDS:
        raise invalid("invalidFilters", f"The request has more than {MAX_IDS} values of {name}.", name)
    return ids


def max_results(call: Call) -> int:
    """Return how many items a page has: 5 unless requested otherwise.

    Raises:
        Problem: it is no number from 0 to 50.
    """
    text = call.text("maxResults")
    if text is None:
        return USUAL_RESULTS
    if not text.isdecimal() or int(text) > MAX_RESULTS:
        message = f"Invalid value '{text}'. Values must be within the range: [0, {MAX_RESULTS}]"
        raise invalid("invalidParameter", message, "maxResults", "global")
    return int(text)


LONGEST_TITLE = 100


def title_of(post: SimPost) -> str:
    """Return the title of a video, which has at most 100 characters."""
    return (post.text or "")[:LONGEST_TITLE]


_SIZES = {"default": (120, 90), "medium": (320, 180), "high": (480, 360)}
_LARGE = {"standard": (640, 480), "maxres": (1280, 720)}


def thumbnails(call: Call, name: str, *, large: bool = False) -> dict[str, Any]:
    """Return the pictures of a video or a channel; videos have `large` ones, too. Their URLs do not expire."""
    return {
        size: {"url": picture_url(call.base_url, f"{name}-{size}"), "width": width, "height": height}
        for size, (width, height) in (_SIZES | _LARGE if large else _SIZES).items()
    }
