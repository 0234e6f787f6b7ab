"""The parts of URLs are those that Python's own parser finds."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.collect.posts import urls

TEXT = st.text(st.sampled_from("abz019.-_~:@[]/?#&=%+;"), max_size=30)
URLS = st.builds("{}://{}".format, st.sampled_from(["http", "https"]), TEXT)


@given(URLS)
def test_origin_and_path_are_those_of_the_standard_parser(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        assert not urls.names_host(urls.origin(url))
        return
    assert urls.origin(url) == f"{parts.scheme}://{parts.netloc}"
    assert urls.path(url) == parts.path


@given(URLS)
def test_a_host_is_one_for_the_standard_parser(url: str) -> None:
    try:
        parts = urlsplit(url)
        expected = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        expected = False
    assert urls.names_host(urls.origin(url)) == expected


@given(st.lists(st.tuples(st.sampled_from(["oe", "oh", "_nc"]), st.text("0aF", max_size=8)), max_size=5))
def test_a_parameter_has_the_last_value_that_the_standard_parser_finds(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    assert urls.parameter(f"https://a/b.jpg?{query}#oe=1", "oe") == parse_qs(query).get("oe", [""])[-1]


@pytest.mark.parametrize("url", ["", "ftp://a/b", "//a/b", "a/b?oe=1"])
def test_what_is_no_web_address_has_no_parts(url: str) -> None:
    assert (urls.origin(url), urls.path(url), urls.parameter(url, "oe")) == ("", "", "")
