"""The country of a workspace: the codes are those of the library, and others are refused with one line."""

import holidays
import pytest

from metrics.calendars.countries import COUNTRIES, checked_country
from metrics.errors import InvalidInput


def test_codes_are_those_of_the_library() -> None:
    assert {code for code in holidays.list_supported_countries(include_aliases=False) if len(code) == 2} == COUNTRIES
    assert checked_country("DE") == "DE"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("de", "did you mean DE?"),
        ("UK", "did you mean GB?"),
        ("Germany", "Germany is no country whose holidays are known; give two letters of ISO 3166-1, such as DE"),
        ("XX", "XX is no country"),
        ("", "country:  is no country"),
        ("\x1b[31m" + "D" * 100, "…"),
    ],
)
def test_other_codes_are_refused_with_one_line(code: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_country(code)
    assert words in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200
