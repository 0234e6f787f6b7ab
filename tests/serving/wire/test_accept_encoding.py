"""Gzip is sent to the clients that accept it, and to no others."""

import httpx
import pytest

from serving.wire.accept_encoding import accepts_gzip


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
    ],
)
def test_gzip_is_sent_where_it_is_accepted(header: bytes, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("path", ["/", "/dashboard/main.js"])
@pytest.mark.parametrize(
    ("header", "encoding"), [("gzip", "gzip"), ("gzip;q=0", None), ("gzip;q=0, *", None), ("br", None)]
)
def test_dashboard_is_compressed_where_gzip_is_accepted(
    client: httpx.Client, path: str, header: str, encoding: str | None
) -> None:
    answer = client.get(path, headers={"Accept-Encoding": header})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["etag"].endswith('-gz"') is (encoding == "gzip")
    assert answer.text == client.get(path, headers={"Accept-Encoding": "identity"}).text
