"""Tests of the accounts file: accepted as a whole or not at all, from any program; errors name their place."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.connecting.new_account import NewAccount
from metrics.errors import InvalidInput
from tests.tidemark.commands import Cli
from tidemark.accounts_file import ALL_COLUMNS, parse
from tidemark.rows import MAX_PROBLEMS

NAMES = ("workspaceId", "platform", "platformAccountId", "handle", "accessToken")
HEADER = ",".join(NAMES) + "\n"
DID = "did:plc:z72i7hdynmk6r22z27h6tvur"
GOOD = "acme,instagram,178414,acme,t0ken\n"
ROW = dict(zip(NAMES, GOOD.strip().split(","), strict=True))


def read(text: str, encoding: str = "utf-8") -> list[NewAccount]:
    return parse(text.encode(encoding))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROW) + "\n",
        "\ufeff" + json.dumps(ROW),
        json.dumps(ROW, indent=2),
        json.dumps([ROW]),
        " \r\n" + json.dumps([ROW], indent=1),
        json.dumps({**ROW, "platformAccountId": 178414, "refreshToken": None}) + "\r\n\r\n",
        json.dumps({name.upper(): value for name, value in ROW.items()}),
    ],
)
def test_csv_and_json_say_the_same(text: str) -> None:
    assert read(HEADER + GOOD) == read(text)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (GOOD + "acme,myspace,1,h,t\n", "row 3: platform myspace"),
        (GOOD + "acme,instagram,2,h,\n", "row 3: accessToken missing"),
        (GOOD + GOOD, "row 3: the same account as row 2"),
        (f"acme,bluesky,{DID},h,\nacme,bluesky,{DID.upper()},h,t\n", "row 3: the same account as row 2"),
        ("acme,bluesky,a.example,h,\nacme,bluesky,@A.example,h,\n", "row 3: the same account as row 2"),
        ("acme,bluesky,7,h,\n", "row 2: platformAccountId: 7 is not a DID; give the DID"),
        (GOOD + "acme,instagram\n", "row 3: platformAccountId, handle, accessToken missing"),
        (GOOD + ",,,,\n\n,,,\nacme,instagram\n", "row 6: platformAccountId, handle, accessToken missing"),
        ('acme,instagram,1,"two\nlines",t\nacme,instagram\n', "row 3: platformAccountId, handle"),
        ("a b,instagram,2,h,t\n", "row 2: workspaceId"),
        ("acme,linkedin,urn:li:organization:7,h,t\nacme,linkedin,7,h,t\n", "row 3: the same account as row 2"),
        ("acme,twitter,07,h,t\nacme,twitter,7,h,t\n", "row 3: the same account as row 2"),
        ("acme,linkedin,7,h,t\nacme,linkedin,urn%3Ali%3AorganizationBrand%3A7,h,t\n", "the same account as row 2"),
        ("acme,linkedin,acme-inc,h,t\n", "row 2: platformAccountId: acme-inc is not a whole number; give the number"),
        ("acme,instagram,1.78414E+16,h,t\n", "row 2: platformAccountId: 1.78414E+16 was rounded by a spreadsheet"),
        ('acme,instagram,"1,78414E+16",h,t\n', "row 2: platformAccountId: 1,78414E+16 was rounded by a spreadsheet"),
        ("acme,instagram,2,Smith, Inc,t\n", "row 2: cell 6 has no column"),
        ("acme,instagram,2,h,two words\n", "row 2: accessToken has blanks"),
        ("acme,instagram,2,h,t€\n", "row 2: accessToken has blanks, or characters that no token has"),
        (f"acme,instagram,2,{'h' * 201},t\n", "row 2: handle: it has 201 characters; the maximum is 200"),
        (f"acme,instagram,2,h,{'t' * 4097}\n", "row 2: accessToken has 4097 characters; the maximum is 4096"),
        ('acme,instagram,2,h,"""t"""\n', "row 2: accessToken has blanks, or characters that no token has"),
        (GOOD + 'acme,instagram,2,"h,' + "x" * 140_000 + "\n", "row 3: field larger than"),
        (GOOD + 'acme,instagram,2,"h,t\n' + GOOD * 3, "row 3: unexpected end of data: is a quote left open"),
        (GOOD + 'acme,instagram,2,"Best" Bakery,t\n', "row 3: ',' expected after '\"'"),
    ],
)
def test_wrong_row_is_named_and_nothing_is_taken(lines: str, complaint: str) -> None:
    refused((HEADER + lines).encode(), complaint)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfe\x00\x80\x00", "it is not UTF-16 text: save it as"),
        ((HEADER + "acme,instagram,1,M\xfcller,t\n").encode("cp1252"), "it is not UTF-8 text: save it as"),
        ((HEADER + GOOD).encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"\n\n,,,\n", "row 1: it names no columns; the columns are workspaceId"),
        (GOOD.encode(), "row 1: it names no columns"),
        (f"{HEADER.strip()},\x1b[31m\n{GOOD}".encode(), r"row 1: \x1b[31m: no such column"),
        (f"{HEADER.strip()},refresh_token\n{GOOD}".encode(), "row 1: refresh_token: no such column"),
        (f"{HEADER.strip()},\u200bHan dle\n{GOOD}".encode(), "row 1: handle twice"),
        (f"{HEADER.strip()},,\n{GOOD.strip()},,x\n".encode(), "row 2: cell 7 has no column"),
        (b'{"workspaceId": "a"}\n{broken\n', "line 2: it is not a JSON object"),
        (b'{"handle": "a", "handle": "b"}', "line 1: handle twice"),
        (b'[{"workspaceId": "a"}, 7]', "account 2: it is not a JSON object"),
        (b"[1, 2", "it is not a JSON array"),
        (b"[" * 100_000, "it is not a JSON array"),
        (b'{"a":' * 100_000, "line 1: it is not a JSON object"),
        (json.dumps([{**ROW, "handle": "\ud800"}]).encode(), "account 1: handle: the text holds half of a character"),
        (b"", "row 1: it names no columns"),
        (HEADER.encode(), "the file has no account"),
        (b"[]", "the file has no account"),
    ],
)
def test_file_that_cannot_be_read_says_why_in_one_line(content: bytes, complaint: str) -> None:
    refused(content, complaint)


def refused(content: bytes, complaint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(content)
    message = str(caught.value)
    assert complaint in message
    assert message.isprintable()
    assert "t0ken" not in message
    assert "nothing was imported" in message or "no account" in message


def test_login_that_is_none_is_refused() -> None:
    content = f"{HEADER.strip()},login\n{GOOD.strip()},insta\n".encode()
    refused(content, "row 2: login insta is none of facebook, instagram")


@pytest.mark.parametrize(("login", "kept"), [("Instagram", "instagram"), ("FACEBOOK", "facebook")])
def test_login_in_any_case_is_taken(login: str, kept: str) -> None:
    (account,) = read(f"{HEADER.strip()},login\n{GOOD.strip()},{login}\n")
    assert account.credentials["login"] == kept


def test_file_that_is_wrong_throughout_is_one_short_line() -> None:
    with pytest.raises(InvalidInput) as caught:
        read(HEADER + "acme,myspace,1,h,t\n" * 1000)
    assert str(caught.value).count("myspace") == MAX_PROBLEMS
    assert str(caught.value).endswith(f"; and {1000 - MAX_PROBLEMS} more")


def test_separator_within_a_json_text_ends_no_line() -> None:
    (account,) = read(json.dumps(dict(ROW, handle="a\u2028b"), ensure_ascii=False))
    assert account.handle == "a\u2028b"


@pytest.mark.parametrize("token", [{"a": 1}, ["t"], True, 1.5])
def test_json_value_that_is_no_text_is_refused(token: object) -> None:
    with pytest.raises(InvalidInput, match="line 1: accessToken: is not text: put it in quotation marks"):
        read(json.dumps(dict(ROW, accessToken=token)))


def test_token_is_in_no_repr() -> None:
    assert "t0ken" not in repr(read(HEADER + GOOD))


def test_columns_of_renewal_become_credentials() -> None:
    columns = HEADER.strip() + ",refreshToken,clientId,clientSecret,expiresAt,login\n"
    (account,) = read(columns + "acme,twitter,7,acme,t0ken,r3fresh,c,s3cret,2026-01-15T10:00:00Z,\n")
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
        ("expiresAt", "soon", "expiresAt soon is not an instant"),
        ("refreshToken", "r", "refreshToken: Instagram has no refresh tokens: leave it out"),
    ],
)
def test_wrong_columns_are_named(column: str, value: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        read(f"{HEADER.strip()},{column}\n{GOOD.strip()},{value}\n")


@pytest.mark.parametrize(
    ("platform", "account", "missing"),
    [
        ("twitter", "7", "clientId missing"),
        ("linkedin", "7", "clientId, clientSecret missing"),
        ("bluesky", DID, None),
    ],
)
def test_refresh_token_needs_what_its_platform_asks_for(platform: str, account: str, missing: str | None) -> None:
    table = f"{HEADER.strip()},refreshToken\nacme,{platform},{account},h,t,r\n"
    if missing is None:
        assert read(table)[0].credentials["refresh_token"] == "r"
        return
    with pytest.raises(InvalidInput, match=f"row 2: {missing}: a refresh token works only for the app"):
        read(table)


@pytest.mark.parametrize(
    ("handle", "taken"), [("'=SUM(A1)", "=SUM(A1)"), ("'@acme", "@acme"), ("'t Hoekje", "'t Hoekje")]
)
def test_apostrophe_of_a_spreadsheet_is_dropped_and_that_of_a_name_stays(handle: str, taken: str) -> None:
    (account,) = read(f"{HEADER}'acme,Instagram,'178414,{handle},'t0ken\n")
    assert (account.workspace_id, account.platform, account.platform_account_id) == ("acme", "instagram", "178414")
    assert (account.handle, account.credentials) == (taken, {"access_token": "t0ken"})


@pytest.mark.parametrize(
    ("row", "is_named", "credentials"),
    [
        (f"acme,bluesky,{DID},h,", False, {}),
        ("acme,bluesky,@Acme.example,h,", True, {}),
        (f"acme,bluesky,{DID},h,abcd-efgh-ijkl-mnop", False, {"access_token": "abcd-efgh-ijkl-mnop"}),
    ],
)
def test_public_account_needs_no_token(row: str, is_named: bool, credentials: dict[str, str]) -> None:
    (account,) = read(f"{HEADER}{row}\n")
    assert (account.is_named, account.credentials) == (is_named, credentials)
    assert account.platform_account_id == ("acme.example" if is_named else DID)


def test_values_that_belong_to_a_token_are_refused_without_one() -> None:
    with pytest.raises(InvalidInput, match="row 2: accessToken missing: expiresAt would belong to it"):
        read(f"{HEADER.strip()},expiresAt\nacme,bluesky,{DID},h,,2026-12-01T00:00:00Z\n")


# --- any table of accounts, in any dialect ---------------------------------------------------------------------------

_IDS = {
    "instagram": st.integers(1, 2**63 - 1).map(str),
    "facebook": st.integers(1, 2**63 - 1).map(str),
    "twitter": st.integers(1, 2**63 - 1).map(str),
    "pinterest": st.integers(1, 2**63 - 1).map(str),
    "threads": st.integers(1, 2**63 - 1).map(str),
    "linkedin": st.integers(1, 2**31).flatmap(
        lambda n: st.sampled_from([f"{n}", f"urn:li:organization:{n}", f"urn:li:organizationBrand:{n}"])
    ),
    "tiktok": st.text("abcXYZ019_-", min_size=8, max_size=40),
    "youtube": st.text("abcXYZ019_-", min_size=22, max_size=22).map(lambda rest: f"UC{rest}"),
}
_IDS["bluesky"] = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=24, max_size=24).map("did:plc:{}".format)
_PLAIN = st.text("abcXYZ019_-.", min_size=1, max_size=12)
_SIGNS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
# Names begin and end with characters other than blanks, because blanks around a name are dropped.
_HANDLES = st.tuples(st.sampled_from(["x", '"', "'t", "=", "{", "["]), _SIGNS).map(
    lambda parts: f"{parts[0]}{parts[1]}x"
)
_PLATFORMS = st.sampled_from(sorted(_IDS))
_ACCOUNTS = _PLATFORMS.flatmap(lambda platform: st.tuples(_PLAIN, st.just(platform), _IDS[platform], _HANDLES, _PLAIN))
_TABLES = st.lists(_ACCOUNTS, min_size=1, max_size=6, unique_by=lambda a: (a[0], a[1], a[2].rpartition(":")[2]))

_ENCODINGS = st.sampled_from(
    [lambda t: t.encode(), lambda t: t.encode("utf-8-sig"), lambda t: t.encode("utf-16"),
     lambda t: b"\xfe\xff" + t.encode("utf-16-be"), lambda t: t.encode("utf-32")]
)  # fmt: skip
_NAMES_AS_TYPED = st.sampled_from([str, str.upper, str.lower, lambda n: f" {n} ", lambda n: n.replace("Id", " ID")])


@hypothesis.settings(deadline=None)
@given(
    table=_TABLES,
    encoded=_ENCODINGS,
    separator=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    typed=_NAMES_AS_TYPED,
    blanks=st.sampled_from(["", " ", "\u00a0", "\u200b"]),
    empty_columns=st.integers(0, 3),
    empty_rows=st.lists(st.integers(0, 6), max_size=4),
    always=st.booleans(),
    said=st.booleans(),
    order=st.permutations(range(len(NAMES))),
)
def test_table_in_any_dialect_is_read_back(
    table: list[tuple[str, ...]], encoded: Callable[[str], bytes], separator: str, line_end: str,
    typed: Callable[[str], str], blanks: str, empty_columns: int, empty_rows: list[int], always: bool, said: bool,
    order: list[int],
) -> None:  # fmt: skip
    rows = [[row[n] for n in order] + [""] * empty_columns for row in table]
    for where in empty_rows:
        rows.insert(min(where, len(rows)), [""] * (len(NAMES) + empty_columns))
    rows = [[f"{blanks}{cell}{blanks}" if cell else cell for cell in row] for row in rows]
    rows.insert(0, [typed(NAMES[n]) for n in order] + [""] * empty_columns)
    text = f"sep={separator}{line_end}" if said else ""
    text += "".join(separator.join(quoted(cell, separator, always) for cell in row) + line_end for row in rows)
    assert as_table(parse(encoded(text))) == as_table_of(table)


def quoted(cell: str, separator: str, always: bool) -> str:
    """Return a cell as a spreadsheet writes it, quoted if needed or always; Python's writer quotes no lone \\r."""
    needed = always or any(one in cell for one in f'{separator}"\r\n')
    return '"' + cell.replace('"', '""') + '"' if needed else cell


@hypothesis.settings(deadline=None)
@given(table=_TABLES, encoded=_ENCODINGS, line_end=st.sampled_from(["\n", "\r\n", "\r"]), ascii_only=st.booleans())
def test_json_in_any_dialect_is_read_back(
    table: list[tuple[str, ...]], encoded: Callable[[str], bytes], line_end: str, ascii_only: bool
) -> None:
    objects = [dict(zip(NAMES, row, strict=True)) for row in table]
    lines = line_end.join(json.dumps(one, ensure_ascii=ascii_only) for one in objects)
    array = json.dumps(objects, ensure_ascii=ascii_only, indent=1).replace("\n", line_end)
    assert as_table(parse(encoded(lines))) == as_table(parse(encoded(array))) == as_table_of(table)


def as_table(accounts: list[NewAccount]) -> list[tuple[object, ...]]:
    return [
        (a.workspace_id, a.platform, a.platform_account_id, a.handle, a.credentials["access_token"]) for a in accounts
    ]


def as_table_of(table: list[tuple[str, ...]]) -> list[tuple[object, ...]]:
    return [(w, p, number.replace("urn:li:organization:", ""), h, t) for w, p, number, h, t in table]


@hypothesis.settings(deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        said = repr(parse(content))
    except InvalidInput as error:
        said = str(error)
    assert said.isprintable()


def test_all_columns_are_known_however_they_are_typed() -> None:
    names = [name.upper() for name in ALL_COLUMNS]
    (account,) = read(
        f"{';'.join(names)}\nacme;tiktok;-000open_id;a;t;r;c;s;instagram;i;2;3;4;5;2026-01-15T10:00:00Z\n"
    )
    assert set(account.credentials) == {
        "access_token", "refresh_token", "client_id", "client_secret", "login", "expires_at", "second_account_id",
        "second_access_token", "second_refresh_token", "second_client_id", "second_client_secret",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "row", "message"),
    [
        ("secondAccessToken", "acme,tiktok,-000open_id,h,t,2", "secondAccountId missing"),
        ("secondAccountId", "acme,tiktok,-000open_id,h,t,i", "secondAccessToken missing"),
        (
            "secondAccountId,secondAccessToken,secondRefreshToken",
            "acme,tiktok,-000open_id,h,t,i,2,3",
            "secondClientId, secondClientSecret missing",
        ),
        ("secondAccountId,secondAccessToken", "acme,instagram,7,h,t,i,2", "Instagram has no second grant"),
    ],
)
def test_second_grant_is_whole_and_on_a_platform_that_has_one(columns: str, row: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(f"{HEADER.strip()},{columns}\n{row}\n")


@pytest.mark.parametrize("way", ["path", "-"])
@pytest.mark.parametrize("name", ["accounts.csv", "accounts.ndjson"])
def test_byte_order_mark_goes_wherever_the_file_comes_from(
    way: str, name: str, cli: Cli, on_stores: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + GOOD if name.endswith("csv") else json.dumps(ROW)
    path = tmp_path / name
    path.write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    if way == "-":
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    ran = cli("accounts", "import", str(path) if way == "path" else "-", "--json")
    assert ran.code == 0, ran.err
    assert [one["platformAccountId"] for one in json.loads(ran.out)] == ["178414"]
