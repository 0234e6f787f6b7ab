"""Gzip is sent only to the clients that accept it, and nothing to the clients that have the bytes already."""

import httpx
import pytest

from metrics.store import Store
from serving.wire.headers import accepts_gzip, has_etag


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"gzip", True),
        (b"br, gzip;q=0.5", True),
        (b"gzip;q=0", False),
        (b"*", True),
        (b"", False),
        (b"br", False),
        (b"*;q=0, gzip", True),
        (b"gzip;q=0, *", False),
        (b"gzip;q=0.", False),
        (b"gzip;Q=0", False),
        (b"gzip; q = 0.000", False),
        (b"gzip;q=0.0000", False),
        (b"gzip;q=zero", False),
        (b"gzip;q=1.", True),
        (b"GZIP;Q=0.001", True),
        (b"*;Q=0.", False),
    ],
)
def test_gzip_is_sent_where_it_is_accepted(header: bytes, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("path", ["/", "/dashboard/dashboard.js"])
@pytest.mark.parametrize(
    ("header", "encoding"),
    [("gzip", "gzip"), ("gzip;q=0", None), ("gzip;Q=0.", None), ("gzip;q=0, *", None), ("br", None)],
)
def test_dashboard_is_compressed_where_gzip_is_accepted(
    client: httpx.Client, path: str, header: str, encoding: str | None
) -> None:
    answer = client.get(path, headers={"Accept-Encoding": header})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["etag"].endswith('-gz"') is (encoding == "gzip")
    assert answer.text == client.get(path, headers={"Accept-Encoding": "identity"}).text


MATCHES = [
    ('"a"', True),
    ('W/"a"', True),
    ('"b", "a"', True),
    ('"b",, W/"a" ,', True),
    ('"b,c", "a"', True),
    ("*", True),
    ("", False),
    ("a", False),
    ('"b"', False),
    ('w/"a"', False),
    ('"x"a"y"', False),
    ('"x","a"-gz', False),
    ('"a', False),
]


@pytest.mark.parametrize(("header", "named"), MATCHES)
def test_if_none_match_is_a_list_of_entity_tags(header: str, named: bool) -> None:
    assert has_etag(header.encode(), b'"a"') is named


@pytest.mark.parametrize("path", ["/", "/dashboard/dashboard.js", "/analytics/workspace/w1/metrics"])
@pytest.mark.parametrize(("header", "named"), MATCHES)
def test_unchanged_bytes_are_not_sent_again(
    seeded: Store, client: httpx.Client, path: str, header: str, named: bool
) -> None:
    etag = client.get(path).headers["etag"].strip('"')
    answer = client.get(path, headers={"If-None-Match": header.replace("a", etag)})
    assert answer.status_code == (304 if named else 200)
    assert bool(answer.content) is not named


@pytest.mark.parametrize("path", ["/", "/analytics/workspace/w1/metrics"])
def test_several_lines_of_if_none_match_are_one_list(seeded: Store, client: httpx.Client, path: str) -> None:
    etag = client.get(path).headers["etag"]
    lines = [*client.headers.multi_items(), ("If-None-Match", '"other"'), ("If-None-Match", etag)]
    assert httpx.get(client.base_url.join(path), headers=lines).status_code == 304
