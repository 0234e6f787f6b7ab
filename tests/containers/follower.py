"""A client of the stream that reconnects after its last event, like a browser's EventSource."""

import threading
from collections.abc import Callable
from typing import Any, Self

import httpx
from httpx_sse import SSEError, connect_sse


class Follower:
    """Follows a workspace in a thread. `events` has (name, data) of every event but pings, in order."""

    def __init__(self, url: Callable[[], str], key: str, workspace: str) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.connections = 0
        self.last_id = ""
        self._url, self._key, self._workspace = url, key, workspace
        self._stopped = threading.Event()
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._connected.wait(60):
            raise TimeoutError("the stream was not joined within 60 s")
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def states(self, operation_id: str) -> list[str]:
        """Return the states of an operation that were announced."""
        return [data["state"] for name, data in self.events if data.get("operationId") == operation_id and name]

    def names(self) -> set[str]:
        return {name for name, _ in self.events}

    def _follow(self) -> None:
        while not self._stopped.is_set():
            headers = {"Authorization": f"Bearer {self._key}"}
            if self.last_id:
                headers["Last-Event-ID"] = self.last_id
            try:
                with (
                    httpx.Client(headers=headers, timeout=httpx.Timeout(60, connect=5), verify=False) as client,
                    connect_sse(
                        client, "GET", f"{self._url()}/analytics/stream", params={"workspaceId": self._workspace}
                    ) as source,
                ):
                    source.response.raise_for_status()
                    self.connections += 1
                    self._connected.set()
                    for event in source.iter_sse():
                        self.last_id = event.id or self.last_id
                        if event.event != "ping":
                            self.events.append((event.event, event.json()))
                        if self._stopped.is_set():
                            return
            except (httpx.HTTPError, SSEError):
                # The server is being killed. The next connection resumes after a pause, so that it is not flooded.
                self._stopped.wait(0.5)
