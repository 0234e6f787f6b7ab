"""For clients without a setting for their host: sends what is meant for a platform to the simulator."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from requests.adapters import HTTPAdapter

_PLATFORM = re.compile(
    r"^https://(?:(?:graph\.(?:facebook|instagram)|api\.(?:twitter|x|linkedin)|www\.linkedin)\.com|graph\.threads\.net)"
)


class Elsewhere(HTTPAdapter):
    """An adapter for the session of a client that lets one be mounted."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        request.url = there(self._url, request.url)
        return super().send(request, *args, **options)


def there(url: str, meant: str) -> str:
    """Return where at the simulator's URL something is that was meant for a platform's own host."""
    return _PLATFORM.sub(url, meant)


@contextmanager
def all_calls_there(url: str) -> Iterator[None]:
    """Send every call of requests there, for clients that make sessions of their own.

    Within it, a call that is meant for no platform is a ValueError.
    """
    send = HTTPAdapter.send

    def elsewhere(adapter: HTTPAdapter, request: Any, *args: Any, **options: Any) -> Any:
        request.url = there(url, request.url)
        if not request.url.startswith(url):
            raise ValueError(f"a call to {request.url}, which is no platform's")
        return send(adapter, request, *args, **options)

    with patch.object(HTTPAdapter, "send", elsewhere):
        yield
