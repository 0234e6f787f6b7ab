"""Positions in the events of several workspaces: the `id` of an event of a stream that follows more than one.

The form is `w1=1768474804000-0,w2=1768474790000-3`: for each workspace its id and the id of its last event. Ids of
workspaces contain neither `=` nor `,`.
"""

import re
from collections.abc import Mapping

from serving.stream.frames import Position, parse_id

MAX_WORKSPACES = 20
_MAX_ID = 128
_MAX_POSITION = 41
MAX_CURSOR = MAX_WORKSPACES * (_MAX_ID + _MAX_POSITION + 2)
_PART = re.compile(rf"([A-Za-z0-9_.:-]{{1,{_MAX_ID}}})=([A-Za-z0-9+.-]{{1,{_MAX_POSITION}}})")


def parse_cursor(text: str) -> dict[str, str] | None:
    """Return the event ids of a cursor by workspace; None if the text is not a cursor, or has too many workspaces.

    The ids are as the client sent them: `parse_id` tells whether each has the form of an event id.
    """
    if len(text) > MAX_CURSOR:
        return None
    found: dict[str, str] = {}
    for part in text.split(","):
        matched = _PART.fullmatch(part)
        if matched is None or matched[1] in found or len(found) == MAX_WORKSPACES:
            return None
        found[matched[1]] = matched[2]
    return found


def positions(cursor: Mapping[str, str]) -> dict[str, Position]:
    """Return the positions of a cursor by workspace, without ids that are no event ids."""
    return {workspace_id: place for workspace_id, text in cursor.items() if (place := parse_id(text)) is not None}


def format_cursor(places: Mapping[str, Position]) -> bytes:
    """Return the cursor of the positions of workspaces."""
    return ",".join(f"{name}={place[0]}-{place[1]}" for name, place in places.items()).encode()
