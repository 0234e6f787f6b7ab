"""Cursors of streams of several workspaces: texts that name a place in each of them."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.redis.events import Announcer
from serving.stream.cursor import MAX_CURSOR, MAX_WORKSPACES, format_cursor, parse_cursor, positions
from tests.serving.stream.combined import STREAM, Pairs, naming, numbers, of_both, write

HOSTILE = [
    "nonsense", "1-1", "w1=0-0,w1=0-0", "w1=0-0,", "=0-0", "w1=0-0;w2=0-0", "w1==0-0", "w1=0-0 ,w2=0-0", ",", "w1",
    "w1=0-0,w2=", ",".join(f"w{n}=0-0" for n in range(MAX_WORKSPACES + 1)), "w1=" + "9" * 42,
]  # fmt: skip


@pytest.mark.parametrize("cursor", HOSTILE)
def test_text_that_is_no_cursor_resets_every_workspace(both: httpx.Client, announcer: Announcer, cursor: str) -> None:
    write(announcer, "w1", 1)
    with of_both(both, header=cursor) as events:
        resets = [next(events), next(events)]
        assert [event.event for event in resets] == ["reset", "reset"]
        assert sorted(event.json()["workspaceId"] for event in resets) == ["w1", "w2"]
        write(announcer, "w2", 2)
        assert numbers(events, 1)[0] == {"w2": [2]}


@pytest.mark.parametrize("place", ["1", "-", "1-", "18446744073709551616-0", "0-18446744073709551616", "+1-1", "1-1-1"])
def test_place_that_is_no_event_id_resets_its_workspace_alone(
    both: httpx.Client, announcer: Announcer, place: str
) -> None:
    write(announcer, "w1", 1)
    with of_both(both, header=f"w1=0-0,w2={place}") as events:
        received = [next(events), next(events)]
        assert sorted(event.event for event in received) == ["metrics:update", "reset"]
        assert next(event for event in received if event.event == "reset").json()["workspaceId"] == "w2"


def test_digits_of_other_scripts_are_no_cursor() -> None:
    assert parse_cursor("w1=\u0661-\u0661") is None
    assert parse_cursor("w\u0661=1-1") is None


def test_cursor_in_the_query_has_a_greatest_length(both: httpx.Client) -> None:
    query: Pairs = [*naming("w1", "w2"), ("lastEventId", "w" * (MAX_CURSOR + 1))]
    assert both.get(STREAM, params=query).status_code == 400
    single = both.get(STREAM, params=[*naming("w1"), ("lastEventId", "1" * 65)])
    assert single.json()["errors"] == [{"parameter": "lastEventId", "message": "must have at most 64 characters"}]


IDS = st.text("abz019_.:-", min_size=1, max_size=128)
PLACES = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(st.dictionaries(IDS, PLACES, min_size=1, max_size=MAX_WORKSPACES))
def test_cursor_is_read_as_it_was_written(places: dict[str, tuple[int, int]]) -> None:
    text = format_cursor(places).decode()
    assert positions(parse_cursor(text) or {}) == places
    assert len(text) <= MAX_CURSOR


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_of_few_workspaces_or_none(text: str) -> None:
    found = parse_cursor(text)
    assert found is None or (0 < len(found) <= MAX_WORKSPACES and all(map(str.isascii, found)))
