"""Exports over HTTP: files hold the same data as reads, and a partial file does not look complete."""

import csv
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import httpx
import orjson
import pyarrow.parquet as pq
import pytest

from metrics.documents import Observation
from metrics.periods import DAY, HOUR, period_start
from metrics.settings import Settings
from metrics.store import Store
from serving.__main__ import Server, server
from serving.app import create_app
from tests.serving.conftest import NOW, observation
from tests.waiting import until
from tidemark.stack.ports import free_port

PATH = "/analytics/workspace/w1/export"


def ask(dataset: str, form: str, **more: str) -> dict[str, str]:
    return {"dataset": dataset, "format": form, **more}


def test_all_three_formats_hold_the_data_of_the_read(client: httpx.Client, seeded: Store) -> None:
    again = observation(NOW - timedelta(hours=1), followers=500)
    newer = Observation(**{**{n: getattr(again, n) for n in again.__slots__}, "collected_at": NOW})
    seeded.observations.append([newer])
    read = client.get("/analytics/workspace/w1/metrics").json()["data"]
    ndjson = client.get(PATH, params=ask("metrics", "ndjson"))
    assert [orjson.loads(line) for line in ndjson.text.splitlines()] == read
    rows = list(csv.DictReader(io.StringIO(client.get(PATH, params=ask("metrics", "csv")).text, newline="")))
    table = pq.read_table(io.BytesIO(client.get(PATH, params=ask("metrics", "parquet")).content)).to_pylist()
    for told, row, record in zip(read, rows, table, strict=True):
        assert (row["accountId"], row["timestamp"]) == (told["accountId"], told["timestamp"])
        assert {n: int(row[n]) for n in told["metrics"]} == told["metrics"] == {n: record[n] for n in told["metrics"]}
    assert "500" in [row["followers"] for row in rows]


def test_file_has_a_name_and_a_type(client: httpx.Client) -> None:
    answer = client.get(PATH, params=ask("aggregated", "csv", startDate="2026-01-01", endDate="2026-01-31"))
    assert answer.headers["content-disposition"] == (
        'attachment; filename="tidemark-w1-aggregated-2026-01-01-2026-01-31.csv"'
    )
    assert answer.headers["content-type"].startswith("text/csv")


def test_bad_input_is_refused(client: httpx.Client) -> None:
    for wrong in (ask("metrics", "xml"), ask("posts", "csv"), ask("metrics", "csv", startDate="2026-01-01")):
        assert client.get(PATH, params=wrong).status_code == 400
    assert client.get("/analytics/workspace/w2/export", params=ask("metrics", "csv")).status_code == 404


def _fill(store: Store, rows: int) -> None:
    day = period_start("daily", NOW) - DAY
    hours = [day + HOUR * (n % 24) for n in range(rows)]
    store.observations.append(
        Observation(
            "w1", "a1", "instagram", "post", slot, slot, {"likes": n}, "r", "v", post_id=f"x{n // 24}",
            platform_post_id=f"t{n // 24}", content_type="image",
        )
        for n, slot in enumerate(hours)
    )  # fmt: skip


def _open_cursors(store: Store) -> int:
    return int(store.client.admin.command("serverStatus")["metrics"]["cursor"]["open"]["total"])


def test_client_that_leaves_ends_the_query(client: httpx.Client, live: tuple[str, Server], seeded: Store) -> None:
    _fill(seeded, 30_000)
    # A small window, so that the server cannot put the whole file into buffers.
    narrow = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    with httpx.Client(base_url=live[0], headers=client.headers, transport=narrow, timeout=60) as reader:
        with reader.stream("GET", PATH, params=ask("metrics", "ndjson")) as answer:
            next(answer.iter_raw())
            assert _open_cursors(seeded) == 1
        until(lambda: _open_cursors(seeded) == 0)


def test_key_has_few_exports_at_once(client: httpx.Client, live: tuple[str, Server], seeded: Store) -> None:
    _fill(seeded, 30_000)
    narrow = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    statuses = []
    with (
        httpx.Client(base_url=live[0], headers=client.headers, transport=narrow, timeout=60) as reader,
        ExitStack() as open_,
    ):
        for _ in range(6):
            answer = open_.enter_context(reader.stream("GET", PATH, params=ask("metrics", "ndjson")))
            statuses.append(answer.status_code)
        assert statuses == [200] * 4 + [429] * 2
        assert client.get("/analytics/workspace/w1/metrics").status_code == 200
    until(lambda: client.head(PATH, params=ask("metrics", "ndjson")).status_code == 200)
    assert [client.get(PATH, params=ask("metrics", "csv")).status_code for _ in range(6)] == [200] * 6


@contextmanager
def cut_once(url: str, after_bytes: int) -> Iterator[str]:
    """A proxy to MongoDB that breaks the first connection on which it has passed on a number of bytes of answers."""
    target = int(url.split(":")[2].split("/", maxsplit=1)[0])
    listening = socket.create_server(("127.0.0.1", 0))
    broken = threading.Event()

    def carry(source: socket.socket, sink: socket.socket, allowed: float) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                allowed -= len(data)
                if allowed < 0 and not broken.is_set():
                    broken.set()
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", target))
                for pair in ((near, far, float("inf")), (far, near, after_bytes)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"mongodb://127.0.0.1:{listening.getsockname()[1]}/?directConnection=true"
    assert broken.is_set()
    listening.close()


def test_query_that_breaks_midway_cuts_the_connection(seeded: Store, settings: Settings) -> None:
    _fill(seeded, 10_000)
    key, _ = seeded.keys.create("test", ["w1"], ["read"])
    with cut_once(str(settings.mongo_url), 2_000_000) as url:
        port = free_port()
        running = server(create_app(settings.model_copy(update={"mongo_url": url})), "127.0.0.1", port)
        thread = threading.Thread(target=running.run)
        thread.start()
        until(lambda: running.started)
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as reader:
            request = reader.build_request("GET", PATH, params=ask("metrics", "csv"))
            answer = reader.send(request, stream=True)
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                answer.read()
        running.should_exit = True
        thread.join(20)


def _ticket(client: httpx.Client, **query: str) -> str:
    found: str = client.post("/analytics/stream/tickets", params=query).json()["ticket"]
    return found


def _download(live: tuple[str, Server], ticket: str, method: str = "GET", path: str = PATH) -> httpx.Response:
    return httpx.request(method, live[0] + path, params=ask("metrics", "csv", ticket=ticket), timeout=30)


def test_ticket_downloads_one_file_without_a_header(client: httpx.Client, live: tuple[str, Server]) -> None:
    ticket = _ticket(client)
    assert _download(live, ticket, "HEAD").status_code == 200
    assert httpx.get(live[0] + PATH, params=ask("metrics", "xml", ticket=ticket), timeout=30).status_code == 400
    first, second = _download(live, ticket), _download(live, ticket)
    assert first.content == client.get(PATH, params=ask("metrics", "csv")).content
    assert (first.status_code, second.status_code) == (200, 401)


def test_ticket_opens_no_more_than_its_key(client: httpx.Client, live: tuple[str, Server], seeded: Store) -> None:
    assert _download(live, _ticket(client), path="/analytics/workspace/w2/export").status_code == 404
    lasting = _download(live, _ticket(client, reconnects="true"))
    assert (lasting.status_code, "only opens streams" in lasting.json()["detail"]) == (401, True)
    key, stored = seeded.keys.create("gone", ["w1"], ["read"])
    with httpx.Client(base_url=live[0], headers={"Authorization": f"Bearer {key}"}, timeout=30) as other:
        ticket = _ticket(other)
    seeded.keys.revoke(stored.prefix)
    assert _download(live, ticket).status_code == 401
    assert _download(live, "tmt_nonsense").status_code == 401


def test_other_reads_take_no_ticket(client: httpx.Client, live: tuple[str, Server]) -> None:
    answer = httpx.get(live[0] + "/analytics/workspace/w1/metrics", params={"ticket": _ticket(client)}, timeout=30)
    assert answer.status_code == 401
