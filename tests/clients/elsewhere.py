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
        request.url = re.sub(r"^https://(api\.twitter|api\.x|graph\.facebook)\.com", self._url, request.url)
        return super().send(request, *args, **options)
