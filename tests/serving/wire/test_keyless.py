"""Reads without credentials do not keep others waiting, however many come at once."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.wire.keyless import BURST, PER_TURN, FairTurns, KeylessReads

MANY = 50


def request(path: str = "/dashboard/theme.js", query: bytes = b"", method: str = "GET", **headers: str) -> Scope:
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "query_string": query, "headers": lines}


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})


async def flood(app: KeylessReads, other: Scope, many: int = MANY) -> tuple[int, list[list[Any]]]:
    """Send many keyless reads and then another request; return how many were answered before that one, and all."""
    answers: list[list[Any]] = [[] for _ in range(many)]

    async def one(number: int) -> None:
        async def send(message: Message) -> None:
            answers[number].append(message["type"])

        await app(request(), receive, send)

    before = 0

    async def send(_: Message) -> None:
        nonlocal before
        before = sum(bool(found) for found in answers)

    tasks = [asyncio.create_task(one(number)) for number in range(many)]
    await asyncio.create_task(app(other, receive, send))
    await asyncio.gather(*tasks)
    return before, answers


@pytest.mark.parametrize(
    "other",
    [
        request(authorization="Bearer tm_live_x"),
        request("/analytics/stream", b"workspaceId=w&ticket=tmt_x"),
        request("/socket.io/", b"EIO=4&transport=polling"),
        request("/healthz"),
        request("/analytics/workspace/w/collect", method="POST"),
    ],
    ids=["key", "ticket", "poll", "probe", "write"],
)
def test_other_requests_pass_reads_without_a_key(other: Scope) -> None:
    before, answers = asyncio.run(flood(KeylessReads(answer), other))
    assert before <= PER_TURN
    assert answers == [["http.response.start", "http.response.body"]] * MANY


@pytest.mark.parametrize("query", [b"", b"ticket=tmt_x"])
def test_read_without_a_key_waits_for_its_turn(query: bytes) -> None:
    before, _ = asyncio.run(flood(KeylessReads(answer), request("/docs", query)))
    assert before == MANY


def test_form_of_a_login_waits_for_its_turn_too() -> None:
    form = request("/connect/facebook/choice", method="POST")
    before, _ = asyncio.run(flood(KeylessReads(answer), form, BURST + MANY))
    assert before >= BURST


def test_addresses_take_turns_and_no_more_than_the_rate_pass() -> None:
    """One visitor comes after an address with fifty requests, and waits for one of them at most."""

    async def work() -> list[str]:
        turns, passed = FairTurns(per_second=500, burst=5), []

        async def ask(address: str) -> None:
            await turns.wait(address)
            passed.append(address)

        loop = asyncio.get_running_loop()
        began = loop.time()
        flooding = [asyncio.create_task(ask("flooding")) for _ in range(MANY)]
        await asyncio.sleep(0)
        await asyncio.gather(asyncio.create_task(ask("visitor")), *flooding)
        assert loop.time() - began >= (MANY + 1 - 5) / 500 * 0.99
        return passed

    assert asyncio.run(work()).index("visitor") <= 6


def test_caller_that_leaves_takes_no_turn() -> None:
    async def work() -> None:
        turns = FairTurns(per_second=20, burst=1)
        await turns.wait("a")
        left = [asyncio.create_task(turns.wait("a")) for _ in range(10)]
        await asyncio.sleep(0)
        for task in left:
            task.cancel()
        began = asyncio.get_running_loop().time()
        await turns.wait("a")
        assert asyncio.get_running_loop().time() - began < 10 / 20

    asyncio.run(work())


def test_page_with_all_its_files_is_within_the_burst(client: httpx.Client) -> None:
    with httpx.Client(base_url=client.base_url) as bare:
        page = bare.get("/").text
    assert page.count("/dashboard/") < BURST / 2


def test_client_that_reads_nothing_occupies_no_place() -> None:
    async def work() -> None:
        app, never = KeylessReads(answer), asyncio.Event()

        async def stalled(_: Message) -> None:
            await never.wait()

        async def send(_: Message) -> None:
            """Take the message."""

        waiting = [asyncio.create_task(app(request(), receive, stalled)) for _ in range(PER_TURN * 3)]
        await asyncio.wait_for(app(request(), receive, send), 60)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)

    asyncio.run(work())


def test_pages_and_refusals_without_a_key_are_whole(client: httpx.Client) -> None:
    with httpx.Client(base_url=client.base_url) as bare:
        assert bare.get("/").text.rstrip().endswith("</html>")
        assert bare.get("/openapi.json").json()["openapi"]
        assert bare.head("/docs").content == b""
        assert bare.get("/analytics/metrics").status_code == 401


async def _slow_login_beside_reads() -> list[str]:
    done: list[str] = []
    platform_answers = asyncio.Event()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/connect/"):
            await platform_answers.wait()
        await answer(scope, _receive, send)
        done.append(scope["path"])

    async def send(_: Message) -> None:
        return

    paced = KeylessReads(app)
    logins = [asyncio.create_task(paced(request("/connect/youtube/callback"), receive, send)) for _ in range(PER_TURN)]
    await asyncio.sleep(0)
    await paced(request(), receive, send)
    platform_answers.set()
    await asyncio.gather(*logins)
    return done


def test_logins_that_wait_for_a_platform_occupy_no_place() -> None:
    done = asyncio.run(asyncio.wait_for(_slow_login_beside_reads(), 60))
    assert done == ["/dashboard/theme.js", *["/connect/youtube/callback"] * PER_TURN]
