"""Tests of the encoder for Rest.li query strings."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.platforms.linkedin import restli
from simulator.linkedin.restli import parse_query


def test_syntax_stays_bare_and_values_are_encoded() -> None:
    interval = {"timeRange": {"start": 1, "end": 2}, "timeGranularityType": "DAY"}
    params = {"q": "author", "shares": ["urn:li:share:1", "urn:li:share:2"], "timeIntervals": interval}
    assert restli.query(params) == (
        "q=author&shares=List(urn%3Ali%3Ashare%3A1,urn%3Ali%3Ashare%3A2)"
        "&timeIntervals=(timeRange:(start:1,end:2),timeGranularityType:DAY)"
    )


values = st.text("aé:,()%& +=.", min_size=1, max_size=12)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), values | st.lists(values, min_size=1), max_size=3))
def test_what_is_written_is_read_back(params: dict[str, object]) -> None:
    assert parse_query(restli.query(params)) == params
