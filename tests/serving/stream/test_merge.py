"""The ids of merged events: each names, for every workspace, the last event that was sent before it or is it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from serving.stream.combined import Member, Merge
from serving.stream.cursor import parse_cursor, positions
from serving.stream.frames import BEAT, Frame, Position, ping, reset

NAMES = ("a", "b", "c")


def event(number: int) -> Frame:
    return Frame((number, 0), "metrics:update", "", "", b"{}", b"")


def placed(item: Frame) -> dict[str, Position]:
    head, _, _ = item.data.partition(b"\n")
    return positions(parse_cursor(head.removeprefix(b"id: ").decode()) or {})


def joined(name: str, after: int) -> Member:
    return Member(name, after=(after, 0), joined=True)


@given(st.lists(st.tuples(st.sampled_from(range(3)), st.integers(1, 3)), max_size=20))
def test_every_id_is_a_place_from_which_exactly_the_rest_follows(steps: list[tuple[int, int]]) -> None:
    """Batches of three workspaces are delivered concurrently, on a connection that takes them in any order of time."""
    sent: list[Frame] = []

    async def deliver(frames: Sequence[Frame]) -> None:
        await asyncio.sleep(0)
        sent.extend(frames)

    async def work() -> None:
        members = [joined(name, 10) for name in NAMES]
        merge = Merge(members, {}, deliver)
        batches: list[list[list[Frame]]] = [[], [], []]
        newest = [10, 10, 10]
        for which, size in steps:
            batches[which].append([event(newest[which] + n + 1) for n in range(size)])
            newest[which] += size

        async def follow(which: int) -> None:
            await merge.deliver(members[which], [ping()])
            for batch in batches[which]:
                await merge.deliver(members[which], batch)

        await asyncio.gather(*(follow(which) for which in range(3)))

    asyncio.run(work())
    pings, events = [i for i in sent if i.event == "ping"], [i for i in sent if i.event != "ping"]
    assert len(pings) == 1
    assert len(events) == sum(size for _, size in steps)
    last = dict.fromkeys(NAMES, (10, 0))
    for item in events:
        found = placed(item)
        changed = [name for name in NAMES if found[name] != last[name]]
        assert len(changed) == 1, "an id advances one workspace, by one event"
        assert found[changed[0]] == item.position == (last[changed[0]][0] + 1, 0)
        last = found


def recorded() -> tuple[list[Frame], Callable[[Sequence[Frame]], Awaitable[None]]]:
    """Return a list, and a function that delivers frames into it."""
    sent: list[Frame] = []

    async def deliver(frames: Sequence[Frame]) -> None:
        sent.extend(frames)

    return sent, deliver


def test_event_waits_until_every_workspace_has_a_place() -> None:
    sent, deliver = recorded()

    async def work() -> None:
        first, second = joined("a", 5), Member("b")
        merge = Merge([first, second], {"a": "5-0"}, deliver)
        waiting = asyncio.create_task(merge.deliver(first, [event(6)]))
        for _ in range(5):
            await asyncio.sleep(0)
        assert sent == []
        second.after, second.joined = (9, 0), True
        await merge.deliver(second, [ping()])
        await waiting
        assert [placed(item) for item in sent if item.event != "ping"] == [{"a": (6, 0), "b": (9, 0)}]

    asyncio.run(work())


def test_event_without_the_places_of_all_workspaces_is_not_sent_when_the_stream_ends() -> None:
    sent, deliver = recorded()

    async def work() -> None:
        first, second = joined("a", 5), Member("b")
        merge = Merge([first, second], {"a": "5-0"}, deliver)
        waiting = asyncio.create_task(merge.deliver(first, [event(6), reset("a", "slow_reader")]))
        await asyncio.sleep(0)
        merge.end()
        await waiting
        assert [item.event for item in sent] == ["reset"]

    asyncio.run(work())


def test_unwanted_events_move_the_place_only_when_nothing_wanted_waits() -> None:
    sent, deliver = recorded()

    async def work() -> None:
        wanted = Frame((7, 0), "metrics:post", "", "", b"{}", b"")
        first = joined("a", 5)
        second = Member("b", events=frozenset({"metrics:post"}), after=(5, 0), joined=True)
        merge = Merge([first, second], {}, deliver)
        for member in (first, second):
            await merge.deliver(member, [ping()])
        second.offer(event(6))
        await merge.deliver(first, [event(6)])
        second.offer(wanted)
        second.offer(event(8))
        await merge.deliver(first, [event(7)])
        second.queue.clear()
        await merge.deliver(second, [wanted])
        await merge.deliver(first, [event(8)])
        places = [placed(item)["b"] for item in sent if item.event != "ping"]
        assert places == [(6, 0), (6, 0), (7, 0), (8, 0)], "an event that waits is not passed over"

    asyncio.run(work())


def test_reset_names_the_place_at_which_its_workspace_goes_on() -> None:
    sent, deliver = recorded()

    async def work() -> None:
        members = [joined("a", 5), joined("b", 5)]
        merge = Merge(members, {}, deliver)
        for member in members:
            await merge.deliver(member, [ping(), BEAT])
        await merge.deliver(members[1], [reset("b", "events_lost", at=(9, 0)), BEAT])
        assert [item.event for item in sent] == ["", "ping", "reset"]
        assert placed(sent[-1]) == {"a": (5, 0), "b": (9, 0)}

    asyncio.run(work())
