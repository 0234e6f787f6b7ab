"""Clients of the kinds that people write: each follows a workspace, reconnects where it was, and records its events."""

import json
import shutil
import subprocess
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import connect_sse

_RECONNECT_SECONDS = 0.3


class Reader(threading.Thread, ABC):
    """Follows until stopped. `received` has the followers of each `metrics:update`, and None for each `reset`."""

    def __init__(self, url: str, key: str, cursor: str) -> None:
        super().__init__(daemon=True)
        self._url = f"{url}/analytics/stream?workspaceId=w1"
        self._key = key
        self._last = cursor
        self._over = threading.Event()
        self.received: list[int | None] = []

    @property
    def numbers(self) -> list[int]:
        """The received followers, without the resets."""
        return [number for number in self.received if number is not None]

    def run(self) -> None:
        """Follow, and reconnect, until stopped."""
        while not self._over.is_set():
            self.follow()
            self._over.wait(_RECONNECT_SECONDS)

    @abstractmethod
    def follow(self) -> None:
        """Follow until the connection ends."""

    def note(self, event: str, data: str, event_id: str) -> None:
        """Record an event and its position."""
        if event_id:
            self._last = event_id
        if event == "metrics:update":
            self.received.append(json.loads(data)["metrics"]["followers"])
        elif event == "reset":
            self.received.append(None)

    def stop(self) -> None:
        """Stop following."""
        self._over.set()


class HttpxReader(Reader):
    """A reader that uses httpx-sse."""

    def follow(self) -> None:
        """Follow until the connection ends."""
        headers = {"Authorization": f"Bearer {self._key}", "Last-Event-ID": self._last}
        with (
            suppress(httpx.TransportError, httpx.StreamError),
            httpx.Client(timeout=httpx.Timeout(5, read=20)) as client,
            connect_sse(client, "GET", self._url, headers=headers) as source,
        ):
            if source.response.status_code != 200:
                return
            for event in source.iter_sse():
                self.note(event.event, event.data, event.id)
                if self._over.is_set():
                    return


class CurlReader(Reader):
    """A reader that uses `curl -N`."""

    def follow(self) -> None:
        """Follow until the connection ends."""
        command = [
            "curl", "-sfN", "-H", f"Authorization: Bearer {self._key}", "-H", f"Last-Event-ID: {self._last}", self._url,
        ]  # fmt: skip
        fields: dict[str, str] = {}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                name, _, value = line.rstrip("\n").partition(": ")
                if line == "\n":
                    self.note(fields.get("event", ""), fields.get("data", ""), fields.get("id", ""))
                    fields = {}
                elif name:
                    fields[name] = value
                if self._over.is_set():
                    process.terminate()
                    return


_SCRIPT = """
const { io } = require("socket.io-client");
const [url, token, transport, cursor] = process.argv.slice(2);
let last = cursor;
const socket = io(url, { auth: { token }, transports: [transport], reconnectionDelay: 200, reconnectionDelayMax: 500 });
const say = (name, data, id) => console.log(JSON.stringify([name, data, id || ""]));
socket.on("connect", () => socket.emit("subscribe:workspace", { workspaceId: "w1", lastEventId: last }, (answer) => {
  if (!answer.ok) console.error(answer.error);
}));
for (const name of ["metrics:update", "reset"]) {
  socket.on(name, (data, { id }) => { last = id || last; say(name, data, id); });
}
socket.on("disconnect", (reason) => { if (reason === "io server disconnect") socket.connect(); });
"""


class SocketReader(Reader):
    """A reader that uses the npm package socket.io-client, which reconnects by itself."""

    def __init__(self, url: str, key: str, cursor: str, folder: Path, transport: str) -> None:
        super().__init__(url, key, cursor)
        (folder / "read.js").write_text(_SCRIPT)
        self._process = subprocess.Popen(
            ["node", "read.js", url, key, transport, cursor], cwd=folder, stdout=subprocess.PIPE, text=True
        )

    def follow(self) -> None:
        """Follow until stopped."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, data, event_id = json.loads(line)
            self.note(name, json.dumps(data), event_id)

    def stop(self) -> None:
        """Stop following."""
        super().stop()
        self._process.kill()
        self._process.wait()
        self.join(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


def install_socket_client(folder: Path) -> bool:
    """Install socket.io-client into a folder; return False if npm is missing or fails."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return False
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent", "socket.io-client@4"]
    try:
        return subprocess.run(command, cwd=folder, check=False, timeout=60, capture_output=True).returncode == 0
    except subprocess.TimeoutExpired:
        return False


_PAGE = """
([key, cursor]) => {
  window.received = [];
  let last = cursor, source;
  const open = async () => {
    let ticket;
    try {
      const answer = await fetch("/analytics/stream/tickets", {
        method: "POST", headers: { Authorization: `Bearer ${key}` } });
      if (!answer.ok) throw new Error(answer.status);
      ticket = (await answer.json()).ticket;
    } catch { setTimeout(open, 300); return; }
    source = new EventSource(`/analytics/stream?workspaceId=w1&ticket=${ticket}&lastEventId=${last}`);
    const note = (event) => {
      if (event.lastEventId) last = event.lastEventId;
      window.received.push(event.type === "reset" ? null : JSON.parse(event.data).metrics.followers);
    };
    source.addEventListener("metrics:update", note);
    source.addEventListener("reset", note);
    source.onerror = () => { source.close(); setTimeout(open, 300); };
  };
  open();
}
"""


class PageReader:
    """A page in a browser, with EventSource and a ticket for each connection."""

    def __init__(self, page: Any, url: str, key: str, cursor: str) -> None:
        self._page = page
        page.goto(f"{url}/healthz")
        page.evaluate(_PAGE, [key, cursor])

    @property
    def received(self) -> list[int | None]:
        """The followers of each `metrics:update` that the page received, and None for each `reset`."""
        found: list[int | None] = self._page.evaluate("window.received")
        return found

    @property
    def numbers(self) -> list[int]:
        """The received followers, without the resets."""
        return [number for number in self.received if number is not None]
