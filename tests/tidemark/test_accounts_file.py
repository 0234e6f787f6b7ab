"""The accounts file: as a whole or not at all, with the numbers of the wrong lines."""

import json

import pytest

from metrics.errors import InvalidInput
from tidemark.accounts_file import parse

HEADER = "workspaceId,platform,platformAccountId,handle,accessToken\n"
GOOD = "acme,instagram,178414,acme,t0ken\n"


def test_csv_and_ndjson_say_the_same() -> None:
    names = HEADER.strip().split(",")
    line = json.dumps(dict(zip(names, GOOD.strip().split(","), strict=True)))
    assert parse(HEADER + GOOD) == parse(line + "\n")


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (GOOD + "acme,myspace,1,h,t\n", "line 3: platform myspace"),
        (GOOD + "acme,instagram,2,h,\n", "line 3: accessToken missing"),
        (GOOD + GOOD, "line 3: the same account as line 2"),
        (GOOD + "acme,instagram\n", "line 3: platformAccountId, handle, accessToken missing"),
        ("a b,instagram,2,h,t\n", "line 2: workspaceId"),
    ],
)
def test_wrong_line_is_named_and_nothing_is_taken(lines: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match="nothing was imported") as caught:
        parse(HEADER + lines)
    assert complaint in str(caught.value)


def test_broken_json_line_is_named() -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        parse('{"workspaceId": "a"}\n{broken\n')


def test_token_is_in_no_repr() -> None:
    assert "t0ken" not in repr(parse(HEADER + GOOD))
