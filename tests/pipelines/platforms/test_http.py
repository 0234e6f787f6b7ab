"""Tests of the HTTP client: the errors for unusable answers, and that no token is ever shown."""

import json
import math
import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime

import pytest

from metrics.clock import utcnow
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import TRIES, Tally
from pipelines.platforms.errors import BadAnswer, PlatformError, RateLimited, Transient
from pipelines.platforms.http.client import Http
from pipelines.platforms.http.retries import overloaded, retrying
from tests.pipelines.platforms.conftest import TOKEN, Answering
from tidemark.stack.ports import free_port


def send(client: Http) -> tuple[int, object]:
    status, body, _ = client.send("GET", "/v25.0/me", token=TOKEN)
    return status, body


def test_returns_json_whatever_the_status(client: Http, server: Answering) -> None:
    server.say({"error": {"code": 4}}, 403)
    assert send(client) == (403, {"error": {"code": 4}})


def test_token_travels_in_the_header_only(client: Http, server: Answering) -> None:
    send(client)
    ((path, headers),) = server.requests
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in path


@pytest.mark.parametrize("status", [200, 404])
def test_html_is_a_bad_answer(client: Http, server: Answering, status: int) -> None:
    server.say(b"<html>Sorry</html>", status, Content_Type="text/html")
    with pytest.raises(BadAnswer, match="HTML page"):
        send(client)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_error_page_of_a_gateway_is_transient(client: Http, server: Answering, status: int) -> None:
    server.say(b"<html>Bad gateway</html>", status, Content_Type="text/html", Retry_After="7")
    with pytest.raises(Transient, match=str(status)) as caught:
        send(client)
    assert caught.value.retry_after == 7


def test_broken_json_is_transient(client: Http, server: Answering) -> None:
    server.say(b'{"data": [')
    with pytest.raises(Transient, match="broken JSON"):
        send(client)


def test_unknown_host_names_the_setting() -> None:
    with pytest.raises(BadAnswer, match=r"no-such-host\.invalid is not known: check the platform's base URL"):
        send(Http("http://no-such-host.invalid"))


def test_refused_connection_is_transient() -> None:
    with pytest.raises(Transient, match="refuses connections"):
        send(Http(f"http://127.0.0.1:{free_port()}"))


@pytest.fixture
def mute() -> Iterator[str]:
    """Yield the URL of a server that accepts connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_no_answer_in_time_is_transient(mute: str) -> None:
    client = Http(mute, timeout=(1.0, 0.05))
    with pytest.raises(Transient, match="in time"):
        send(client)


def test_no_error_shows_the_token(client: Http, server: Answering, mute: str) -> None:
    clients = [client, Http("http://no-such-host.invalid"), Http(mute, timeout=(1.0, 0.05))]
    server.say(b"<html>", Content_Type="text/html")
    for one in clients:
        with pytest.raises(PlatformError) as caught:
            send(one)
        assert TOKEN not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


def test_repr_of_access_hides_the_credentials() -> None:
    assert TOKEN not in repr(Access("1", {"access_token": TOKEN}))


def test_short_retry_after_is_waited_for() -> None:
    error = overloaded("busy", {"Retry-After": "3"})
    assert isinstance(error, Transient)
    assert error.retry_after == 3


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_long_retry_after_is_a_pause(form: str) -> None:
    at = format_datetime(utcnow() + timedelta(hours=1), usegmt=True)
    text = "3600" if form == "seconds" else at
    error = overloaded("busy", {"Retry-After": text})
    assert isinstance(error, RateLimited)
    assert abs(error.until - utcnow() - timedelta(hours=1)) < timedelta(minutes=5)


def test_unreadable_retry_after_is_ignored() -> None:
    error = overloaded("busy", {"Retry-After": "soon"})
    assert isinstance(error, Transient)
    assert error.retry_after is None


def test_transient_errors_are_tried_again_and_counted() -> None:
    tally, tries = Tally(), []

    def busy() -> None:
        tries.append(1)
        raise Transient("busy", 0.0)

    with pytest.raises(Transient):
        retrying(tally)(busy)
    assert (len(tries), tally.retries) == (TRIES, TRIES - 1)


def test_other_errors_are_not_tried_again() -> None:
    tally = Tally()

    def refuse() -> None:
        raise BadAnswer("no")

    with pytest.raises(BadAnswer):
        retrying(tally)(refuse)
    assert tally.retries == 0


@pytest.mark.parametrize("status", [200, 400])
def test_answer_that_quotes_a_secret_does_not_show_it(client: Http, server: Answering, status: int) -> None:
    refusal = {"error": {"message": f"Malformed access token {TOKEN}", "code": 190}}
    server.say([{"code": 400, "body": json.dumps(refusal)}] if status == 200 else refusal, status)
    _, body, _ = client.send("POST", "/v25.0/", token=TOKEN, form={"batch": "[]"})
    assert "Malformed access token …" in json.dumps(body, ensure_ascii=False)
    assert TOKEN not in json.dumps(body)


def test_refusal_of_a_renewal_does_not_show_what_was_sent(client: Http, server: Answering) -> None:
    server.say({"error_description": f"{TOKEN} is revoked"}, 400)
    _, body, _ = client.send("POST", "/token", form={"refresh_token": TOKEN})
    assert body == {"error_description": "… is revoked"}


def test_renewed_token_comes_as_it_is(client: Http, server: Answering) -> None:
    server.say({"access_token": TOKEN})
    assert client.send("GET", "/refresh_access_token", token=TOKEN)[1] == {"access_token": TOKEN}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"name": "caf\xe9", "a": 1}', {"name": "caf\ufffd", "a": 1}),
        (rb'{"text": "cut \ud83d", "a": 1}', {"text": "cut \ufffd", "a": 1}),
        (rb'{"text": "whole \ud83d\ude00", "a": NaN}', {"text": "whole \U0001f600", "a": math.nan}),
        (rb'{"\ud83d": -Infinity}', {"\ufffd": -math.inf}),
    ],
    ids=["byte order mark", "no UTF-8", "half a character", "NaN", "half a key"],
)
def test_value_that_is_broken_leaves_the_others_readable(
    client: Http, server: Answering, body: bytes, found: object
) -> None:
    server.say(body)
    assert repr(send(client)) == repr((200, found))


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}x", b"\x00"])
def test_body_that_is_no_json_at_all_is_transient(client: Http, server: Answering, body: bytes) -> None:
    server.say(body)
    with pytest.raises(Transient, match="broken JSON"):
        send(client)


def test_cookie_of_one_call_goes_with_no_other(client: Http, server: Answering) -> None:
    server.say({}, Set_Cookie="session=of-the-first-account; Path=/")
    send(client)
    send(client)
    assert all("Cookie" not in headers for _, headers in server.requests)


def test_token_that_no_header_can_hold_is_refused_without_being_shown(client: Http, server: Answering) -> None:
    for wrong in ("first\nsecond-line", "snow\u2603man"):
        with pytest.raises(BadAnswer, match=r"a header of the request has characters that cannot be sent$") as caught:
            client.send("GET", "/v25.0/me", token=wrong)
        assert wrong not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert not server.requests
    assert send(client)[0] == 200
