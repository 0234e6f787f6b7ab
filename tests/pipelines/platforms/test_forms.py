"""Tests that the form encoder writes the same bytes as `urllib.parse.urlencode`."""

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from pipelines.platforms.forms import encode_form

FIELDS = st.dictionaries(st.text(max_size=20), st.text(max_size=60) | st.text('aZ0 %+&=/~_.-"{}[]:,', max_size=60))


@given(FIELDS)
def test_a_form_is_what_urlencode_writes(fields: dict[str, str]) -> None:
    assert encode_form(fields) == urlencode(fields)


def test_every_ascii_character_is_written_as_urlencode_does() -> None:
    every = "".join(map(chr, range(128)))
    assert encode_form({every: every[::-1] + every}) == urlencode({every: every[::-1] + every})
