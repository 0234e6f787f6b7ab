"""Program that reads accounts with Airbyte's Instagram connector, in the connector's environment, for `bench/peers.py`.

    python read_connector.py URL INSTANT TOKEN…

It prints JSON: wall and CPU seconds of the reads, HTTP requests, records by stream, and the seconds of the process
before the first read. The connector's clock is stopped at INSTANT. `tests/clients` has to be on the module path.
"""

import json
import logging
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

_BEGAN = time.perf_counter()
SETTLING = timedelta(days=3)
"""How far back account insights are read, as by an incremental sync, and by Tidemark three times a day."""

WITHOUT = "user_lifetime_insights"
"""Stream that is left out, because Tidemark has no counterpart: followers by place and age."""


def main() -> None:
    """Read the accounts one after the other, each like a sync of Airbyte."""
    import time_machine
    from elsewhere import all_calls_there
    from redirected import parse_in_one_thread_at_a_time
    from requests.adapters import HTTPAdapter
    from source_instagram.source import SourceInstagram

    logging.disable(logging.ERROR)
    url, instant, *tokens = sys.argv[1:]
    since = datetime.fromisoformat(instant) - SETTLING
    parse_in_one_thread_at_a_time()
    records: Counter[str] = Counter()
    requests = 0

    def counted(adapter: HTTPAdapter, *args: Any, **options: Any) -> Any:
        nonlocal requests
        requests += 1
        return send(adapter, *args, **options)

    with all_calls_there(url), time_machine.travel(instant, tick=False), tempfile.TemporaryDirectory() as folder:
        send = HTTPAdapter.send
        with patch.object(HTTPAdapter, "send", counted):
            wall, cpu = time.perf_counter(), _cpu()
            for token in tokens:
                config = {"access_token": token, "start_date": f"{since:%Y-%m-%dT00:00:00Z}"}
                records += _read(SourceInstagram, config, Path(folder))
            spent = {"seconds": time.perf_counter() - wall, "cpu_seconds": _cpu() - cpu}
    print(json.dumps({**spent, "requests": requests, "start_seconds": wall - _BEGAN, "records": records}))


def _read(source_class: Any, config: dict[str, str], folder: Path) -> Counter[str]:
    """Return the number of records by stream of one full read."""
    from airbyte_cdk.entrypoint import AirbyteEntrypoint

    names = [stream.name for stream in source_class(None, config, None).streams(config) if stream.name != WITHOUT]
    chosen = [
        {
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh", "destination_sync_mode": "overwrite",
        }
        for name in names
    ]  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "catalog.json").write_text(json.dumps({"streams": chosen}))
    arguments = ["read", "--config", str(folder / "config.json"), "--catalog", str(folder / "catalog.json")]
    parsed = AirbyteEntrypoint.parse_args(arguments)
    source = source_class(source_class.read_catalog(parsed.catalog), config, None)
    records: Counter[str] = Counter()
    for line in AirbyteEntrypoint(source).run(parsed):
        message = json.loads(line)
        if message["type"] == "RECORD":
            records[message["record"]["stream"]] += 1
    return records


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
