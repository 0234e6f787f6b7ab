"""Runs a connector of Airbyte's as Airbyte does: `check`, `discover`, and `read` of a catalog of all its streams."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.clients.apart import run_python

Records = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Connector:
    """A connector in its environment: `entry` is its console script, `more` goes behind every command."""

    environment: str
    entry: str
    config: dict[str, Any]
    url: str
    now: datetime
    folder: Path
    more: Sequence[str | Path] = ()

    def check(self) -> str:
        """Return `SUCCEEDED`, or what the connector says of its failure."""
        (status,) = self._said("CONNECTION_STATUS", "check")
        return str(status["connectionStatus"].get("message") or status["connectionStatus"]["status"])

    def discover(self) -> list[dict[str, Any]]:
        """Return its streams."""
        (said,) = self._said("CATALOG", "discover")
        streams: list[dict[str, Any]] = said["catalog"]["streams"]
        return streams

    def read(self, streams: list[dict[str, Any]]) -> Records:
        """Return the records of every stream, in full.

        Raises:
            AssertionError: the connector reports an error of any of them.
        """
        chosen = [
            {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"} for stream in streams
        ]
        catalog = self.folder / "catalog.json"
        catalog.write_text(json.dumps({"streams": chosen}))
        found: Records = defaultdict(list)
        for message in self._messages("read", "--catalog", catalog):
            trace = message.get("trace", {})
            assert trace.get("type") != "ERROR", trace["error"]["message"]
            if message["type"] == "RECORD":
                found[message["record"]["stream"]].append(message["record"]["data"])
        return found

    def _said(self, kind: str, *command: str) -> list[dict[str, Any]]:
        return [message for message in self._messages(*command) if message["type"] == kind]

    def _messages(self, command: str, *more: str | Path) -> list[dict[str, Any]]:
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.config))
        arguments = [command, "--config", config, *more, *self.more]
        lines = run_python(self.environment, self.url, self.now, self.entry, arguments, self.folder)
        return [json.loads(line) for line in lines if line.startswith("{")]
