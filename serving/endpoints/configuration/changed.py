"""What all routes of a workspace's configuration share: announcing a change, and answers that no cache keeps."""

import logging
from collections.abc import Sequence

from starlette.responses import Response

from metrics.encoding import dump_json
from metrics.errors import RedisUnavailable
from metrics.redis.events import Announcer, Event
from serving.services import Services

log = logging.getLogger(__name__)


def announce_change(parts: Services, workspace_id: str, what: str, events: Sequence[Event] = ()) -> None:
    """Raise the version of the workspace's data: answers that were made before the change become outdated."""
    announcer = Announcer(parts.sync_redis, parts.settings.events_max, parts.settings.events_days)
    try:
        announcer.announce(workspace_id, events)
    except RedisUnavailable as error:
        log.warning("a changed %s was not announced; cached answers stay until they expire: %s", what, error)


def fresh(body: object) -> Response:
    """Return an answer that is never kept."""
    return Response(dump_json(body), headers={"Cache-Control": "no-store"}, media_type="application/json")
