"""For clients without a setting for their host."""

import re
from typing import Any

from requests.adapters import HTTPAdapter


class Elsewhere(HTTPAdapter):
    """Sends what is meant for X or for the Graph API to the simulator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        request.url = there(self._url, request.url)
        return super().send(request, *args, **options)


def there(url: str, meant: str) -> str:
    """Return where at the simulator's URL something is that was meant for X or for the Graph API."""
    return re.sub(r"^https://(api\.twitter|api\.x|graph\.facebook)\.com", url, meant)
