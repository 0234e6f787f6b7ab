"""Thousands of connections and disconnections leak no memory, files or tasks."""

import asyncio
import gc
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from serving.__main__ import Server
from tests.serving.stream.test_stream import the_hub
from tests.waiting import until

AT_ONCE = 50


@pytest.mark.parametrize("connects", [600, pytest.param(10_000, marks=pytest.mark.long)])
def test_many_streams_leak_nothing(live: tuple[str, Server], client: httpx.Client, connects: int) -> None:
    request = (
        "GET /analytics/stream?workspaceId=w1 HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {client.headers['authorization']}\r\n\r\n"
    ).encode()
    hub, address = the_hub(live[1]), urlsplit(live[0])

    async def connect(times: int) -> None:
        for _ in range(times):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(request)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.transport.abort()

    async def all_of(times: int) -> None:
        await asyncio.gather(*(connect(times // AT_ONCE) for _ in range(AT_ONCE)))

    def settled() -> bool:
        return hub.open_streams == 0 and not any(c.subscribers or c.followers for c in hub._channels.values())

    asyncio.run(all_of(connects // 2))
    until(settled, 20)
    gc.collect()
    process = psutil.Process()
    before = len(asyncio.all_tasks(hub._loop)), process.num_fds(), process.memory_info().rss
    asyncio.run(all_of(connects))
    until(settled, 20)
    gc.collect()
    tasks, files, memory = len(asyncio.all_tasks(hub._loop)), process.num_fds(), process.memory_info().rss
    assert tasks <= before[0] + 2
    assert files <= before[1] + 10
    assert memory < before[2] + min(10_000 * connects, 20 * 2**20)
