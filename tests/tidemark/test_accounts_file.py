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
        ("acme,linkedin,urn:li:organization:7,h,t\nacme,linkedin,7,h,t\n", "line 3: the same account as line 2"),
        ("acme,twitter,07,h,t\nacme,twitter,7,h,t\n", "line 3: the same account as line 2"),
        ("acme,linkedin,7,h,t\nacme,linkedin,urn%3Ali%3AorganizationBrand%3A7,h,t\n", "the same account as line 2"),
        ("acme,linkedin,acme-inc,h,t\n", "line 2: platformAccountId: acme-inc is no whole number; give the number"),
        ("acme,instagram,1.78414E+16,h,t\n", "line 2: platformAccountId: 1.78414E+16 was rounded by a spreadsheet"),
        ("acme,instagram,2,h,two words\n", "line 2: accessToken has blanks"),
        ("acme,instagram,2,h,t€\n", "line 2: accessToken has blanks, or signs that no token has"),
        (GOOD + 'acme,instagram,2,"h,' + "x" * 140_000 + "\n", "line 3: field larger than"),
    ],
)
def test_wrong_line_is_named_and_nothing_is_taken(lines: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match="nothing was imported") as caught:
        parse(HEADER + lines)
    assert complaint in str(caught.value)


def test_broken_json_line_is_named() -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        parse('{"workspaceId": "a"}\n{broken\n')


def test_separator_within_a_json_text_ends_no_line() -> None:
    row = dict(zip(HEADER.strip().split(","), GOOD.strip().split(","), strict=True), handle="a\u2028b")
    (account,) = parse(json.dumps(row, ensure_ascii=False))
    assert account.handle == "a\u2028b"


@pytest.mark.parametrize("token", [{"a": 1}, ["t"], True, 1.5])
def test_json_value_that_is_no_text_is_refused(token: object) -> None:
    row = dict(zip(HEADER.strip().split(","), GOOD.strip().split(","), strict=True), accessToken=token)
    with pytest.raises(InvalidInput, match="line 1: accessToken: is no text"):
        parse(json.dumps(row))


def test_column_that_stands_twice_is_named() -> None:
    with pytest.raises(InvalidInput, match="line 1: handle twice"):
        parse(HEADER.strip() + ",handle\n" + GOOD.strip() + ",x\n")


def test_token_is_in_no_repr() -> None:
    assert "t0ken" not in repr(parse(HEADER + GOOD))


def test_columns_of_renewal_become_credentials() -> None:
    columns = HEADER.strip() + ",refreshToken,clientId,clientSecret,expiresAt,login\n"
    (account,) = parse(columns + "acme,twitter,7,acme,t0ken,r3fresh,c,s3cret,2026-01-15T10:00:00Z,\n")
    assert account.credentials == {
        "access_token": "t0ken",
        "refresh_token": "r3fresh",
        "client_id": "c",
        "client_secret": "s3cret",
        "expires_at": 1768471200.0,
    }
    assert "r3fresh" not in repr(account)


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("expiresAt", "soon", "expiresAt soon is no instant"),
        ("refresh_token", "r", "refresh_token: no such column"),
        ("refreshToken", "r", "clientId missing"),
    ],
)
def test_wrong_columns_are_named(column: str, value: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        parse(f"{HEADER.strip()},{column}\n{GOOD.strip()},{value}\n")
