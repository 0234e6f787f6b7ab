"""JSON web tokens: accepted with the right signature and claims, else refused; key sets that change."""

import json
import math
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from httpx_sse import ServerSentEvent, connect_sse
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode
from pydantic import SecretStr

from metrics.clock import utcnow
from metrics.errors import SettingsError, Unavailable
from metrics.network import Network
from metrics.redis.events import Announcer, observation_event
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.api_keys import ApiKey
from serving.auth import key_sets
from serving.auth.key_sets import KeySet, UrlKeySet, key_set
from serving.auth.tokens import TokenVerifier
from serving.stream import hub
from serving.wire.problems import Problem
from tests.clock import ahead_by
from tests.proxy import LOGIN, Authority, Proxy, web_server
from tests.serving.conftest import NOW, observation, serving

ED, OTHER = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
DIRECT = Network({}, (), None)
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer", "aud": "tidemark", "sub": "ann", "workspaces": ["w1"], "scope": "openid read",
}  # fmt: skip


def public(key: Any, key_id: str) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else OKPAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": key_id}


def write(path: Path, *keys: dict[str, Any]) -> str:
    path.write_text(json.dumps({"keys": keys}))
    os.utime(path, ns=(path.stat().st_mtime_ns + 1000, path.stat().st_mtime_ns + 1000))
    return str(path)


def token(key: Any = ED, key_id: str = "ed", algorithm: str = "EdDSA", **claims: Any) -> str:
    payload = {**CLAIMS, "exp": utcnow() + timedelta(minutes=5), **claims}
    return jwt.encode({n: v for n, v in payload.items() if v is not None}, key, algorithm, headers={"kid": key_id})


def verify(keys: KeySet, text: str) -> ApiKey:
    return anyio.run(TokenVerifier(keys, "https://issuer", "tidemark").verify, text)


@pytest.fixture
def keys(tmp_path: Path) -> KeySet:
    return key_set(write(tmp_path / "keys.json", public(ED, "ed"), public(RSA, "rsa")), DIRECT)


@pytest.mark.parametrize(("key", "key_id", "algorithm"), [(ED, "ed", "EdDSA"), (RSA, "rsa", "RS256")])
def test_signed_token_grants_its_claims(keys: KeySet, key: Any, key_id: str, algorithm: str) -> None:
    granted = verify(keys, token(key, key_id, algorithm))
    assert (granted.workspaces, granted.scopes) == (("w1",), ("read",))
    assert granted.expires_at is not None


REFUSED: dict[str, Callable[[], str]] = {
    "expired": lambda: token(exp=utcnow() - timedelta(seconds=1)),
    "without expiry": lambda: token(exp=None),
    "another issuer": lambda: token(iss="https://elsewhere"),
    "another audience": lambda: token(aud="other"),
    "without audience": lambda: token(aud=None),
    "not yet": lambda: token(nbf=utcnow() + timedelta(minutes=1)),
    "another key": lambda: token(OTHER),
    "unknown key id": lambda: token(key_id="nobody"),
    "another algorithm of the key": lambda: token(RSA, "rsa", "RS512"),
    "one key, the other's id": lambda: token(RSA, "ed", "RS256"),
    "public key as a secret": lambda: forged("HS256", public(RSA, "rsa")["n"].encode()),
    "no signature": lambda: jwt.encode({**CLAIMS, "exp": utcnow() + timedelta(minutes=5)}, "", "none"),
    "malformed scope": lambda: token(scope={"read": True}),
    "no token": lambda: "eyJ.eyJ.x",
    "expiry in milliseconds": lambda: token(exp=10**12),
    "expiry in 3 * 10^12 years": lambda: token(exp=1e20),
    "expiry as text": lambda: token(exp=str(2**33)),
    "expiry true": lambda: token(exp=True),
    "expiry without end": lambda: token(exp=math.inf),
    "subject with half a character": lambda: token(sub="\ud800"),
    "subject that is a list": lambda: token(sub=["ann"]),
    "key id that is a list": lambda: with_header(kid=["ed"]),
    "key id with half a character": lambda: with_header(kid="\ud800"),
}


def forged(algorithm: str, secret: bytes) -> str:
    return jwt.encode({**CLAIMS, "exp": utcnow() + timedelta(minutes=5)}, secret, algorithm, headers={"kid": "rsa"})


def with_header(**header: Any) -> str:
    """Return a token whose header PyJWT would refuse to write."""
    parts = [{"alg": "EdDSA", **header}, {**CLAIMS, "exp": int(utcnow().timestamp()) + 300}]
    signed = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + base64url_encode(ED.sign(signed))).decode()


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_or_foreign_token_is_refused(keys: KeySet, name: str) -> None:
    with pytest.raises(Problem) as caught:
        verify(keys, REFUSED[name]())
    assert caught.value.status == 401


def test_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = key_set(write(path, public(ED, "ed")), DIRECT)
    write(path, public(OTHER, "new"))
    assert verify(keys, token(OTHER, "new")).workspaces == ("w1",)
    with pytest.raises(Problem):
        verify(keys, token())
    path.write_text("broken")
    assert verify(keys, token(OTHER, "new")).workspaces == ("w1",)


@pytest.mark.parametrize("text", ["", "[]", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'])
def test_file_without_a_public_key_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(SettingsError, match="TIDEMARK_JWT_KEYS"):
        key_set(str(tmp_path / "keys.json"), DIRECT)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": ["RSA"], "kid": "x"},
        {"kty": "OKP", "crv": ["Ed25519"], "kid": "x"},
        {**public(OTHER, "x"), "kid": ["x"]},
        {**public(OTHER, "x"), "kid": {"x": 1}},
        {**public(OTHER, "x"), "alg": ["EdDSA"]},
        {**public(OTHER, "x"), "use": ["sig"]},
        "no key",
        None,
    ],
)
def test_key_of_another_form_is_left_out_of_its_set(tmp_path: Path, key: Any) -> None:
    keys = key_set(write(tmp_path / "keys.json", public(ED, "ed"), key), DIRECT)
    assert verify(keys, token()).workspaces == ("w1",)


@pytest.mark.parametrize(
    "broken", [{**public(ED, "x"), "x": 5}, {**public(ED, "x"), "x": "AA"}, {**public(RSA, "x"), "n": None}]
)
def test_changed_file_with_a_broken_key_leaves_the_previous_keys(tmp_path: Path, broken: dict[str, Any]) -> None:
    path = tmp_path / "keys.json"
    keys = key_set(write(path, public(ED, "ed")), DIRECT)
    write(path, public(ED, "ed"), broken)
    assert verify(keys, token()).workspaces == ("w1",)


@pytest.fixture
def published() -> Iterator[tuple[str, list[dict[str, Any]], list[str]]]:
    """A key set at a URL: the URL, the keys in it, and the requests for it."""
    held, asked = [public(ED, "ed")], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps({"keys": held}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/keys", held, asked
        running.shutdown()
        thread.join()


def test_unknown_key_ids_cause_a_fetch_at_most_every_few_seconds(
    published: tuple[str, list[dict[str, Any]], list[str]],
) -> None:
    url, held, asked = published

    async def rotate() -> None:
        keys = UrlKeySet(url, DIRECT)
        verifier = TokenVerifier(keys, "https://issuer", "tidemark")
        await verifier.verify(token())
        held[:] = [public(OTHER, "new")]
        keys._tried -= 5.0
        assert (await verifier.verify(token(OTHER, "new"))).workspaces == ("w1",)
        for n in range(5):
            with pytest.raises(Problem):
                await verifier.verify(token(OTHER, f"invented{n}"))

    anyio.run(rotate)
    assert len(asked) == 2


@contextmanager
def tcp_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that talks to each connection in a thread of its own; yield the URL of a key set there."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                talk(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/keys"
        running.shutdown()


def drip(head: bytes) -> Callable[[socket.socket], None]:
    """Return a talk that sends `head` at once and then a byte now and then, for as long as the client reads."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        connection.settimeout(0.05)
        while True:
            connection.sendall(b"x")
            with suppress(TimeoutError):
                connection.recv(1)

    return talk


SERVERS: dict[str, Callable[[socket.socket], None]] = {
    "drips its headers": drip(b""),
    "drips its body": drip(b"HTTP/1.1 200 OK\r\n\r\n"),
    "answers garbage": lambda connection: connection.sendall(b"\xff\x00garbage\r\n\r\n"),
    "answers no JSON": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n<html>"),
    "answers a list": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[]"),
    "closes at once": lambda _: None,
    "breaks off": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_key_server_that_misbehaves_leaves_the_previous_keys(
    name: str, published: tuple[str, list[dict[str, Any]], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "_FETCH_SECONDS", 0.5)

    async def ask(url: str) -> None:
        with pytest.raises(Unavailable):
            await TokenVerifier(UrlKeySet(url, DIRECT), "https://issuer", "tidemark").verify(token())
        keys = UrlKeySet(published[0], DIRECT)
        verifier = TokenVerifier(keys, "https://issuer", "tidemark")
        await verifier.verify(token())
        keys._url, keys._tried, keys._fetched = url, keys._tried - 400, keys._fetched - 400
        assert (await verifier.verify(token())).workspaces == ("w1",)
        keys._tried -= 400
        with pytest.raises(Problem):
            await verifier.verify(token(OTHER, "unknown"))

    with tcp_server(SERVERS[name]) as url:
        anyio.run(ask, url)


def test_unavailable_key_set_is_not_answered_as_an_invalid_token() -> None:
    with pytest.raises(Unavailable):
        verify(key_set("http://127.0.0.1:9/keys", DIRECT), token())


def test_key_set_is_fetched_through_the_proxy_with_the_configured_authority(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, authority = "keys.company.example", Authority(tmp_path)
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {name} login zoe password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    body = json.dumps({"keys": [public(ED, "ed")]}).encode()
    with web_server(body, authority.context(name)) as (port, had):
        proxy = Proxy({name: port}, LOGIN)
        for url, bundle in ((proxy.url, authority.bundle), (proxy.url.replace("s3cr3t", "wr0ng"), authority.bundle)):
            there = settings.model_copy(update={"proxy": SecretStr(url), "ca_bundle": bundle})
            keys = key_set(f"https://{name}/keys", Network.of(there, {}))
            if url == proxy.url:
                assert verify(keys, token()).workspaces == ("w1",)
            else:
                with pytest.raises(Unavailable):
                    verify(keys, token())
        proxy.close()
    assert (len(had), proxy.seen) == (1, [f"CONNECT {name}"] * 2)
    assert "Authorization" not in had[0][1]
    assert "through the proxy 127.0.0.1" in caplog.text
    assert "407" in caplog.text
    assert "wr0ng" not in caplog.text


@pytest.fixture
def trusting(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a key set in a file."""
    where = write(tmp_path / "keys.json", public(ED, "ed"))
    return settings.model_copy(
        update={"jwt_keys": where, "jwt_issuer": CLAIMS["iss"], "jwt_audience": CLAIMS["aud"], "rate_limit": 1000}
    )


def test_token_authorises_reads_over_http_within_its_scope(seeded: Store, trusting: Settings) -> None:
    with serving(trusting) as url:
        headers = {"Authorization": f"Bearer {token()}"}
        paths = ("workspace/w1/metrics", "account/a1/metrics", "workspace/w2/metrics", "account/a2/metrics")
        read = [httpx.get(f"{url}/analytics/{path}", headers=headers).status_code for path in paths]
        collect = httpx.post(f"{url}/analytics/workspace/w1/collect", headers=headers)
        ticket = httpx.post(f"{url}/analytics/stream/tickets", headers=headers)
    assert (read, collect.status_code, ticket.status_code) == ([200, 200, 404, 404], 403, 201)


@contextmanager
def following(url: str, bearer: str) -> Iterator[Iterator[ServerSentEvent]]:
    headers, query = {"Authorization": f"Bearer {bearer}"}, {"workspaceId": "w1"}
    with (
        httpx.Client(base_url=url, headers=headers, timeout=30) as one,
        connect_sse(one, "GET", "/analytics/stream", params=query) as source,
    ):
        yield source.iter_sse()


def test_each_token_of_a_subject_ends_its_own_streams(
    seeded: Store, trusting: Settings, announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.5)
    long, short = (token(exp=utcnow() + timedelta(seconds=seconds)) for seconds in (300, 3))
    with serving(trusting) as url, ExitStack() as stack:
        opened = [stack.enter_context(following(url, one)) for one in (long, short, long, short)]
        for events in opened:
            assert next(events).event == "ping"
        assert [list(events) for events in opened[1::2]] == [[], []]
        announcer.announce("w1", [observation_event(observation(NOW, followers=7))])
        assert [next(events).event for events in opened[::2]] == ["metrics:update", "metrics:update"]


def test_token_lives_as_long_under_another_clock_of_the_stack(tmp_path: Path) -> None:
    keys = key_set(write(tmp_path / "keys.json", public(ED, "ed")), DIRECT)
    text = token()
    with ahead_by(timedelta(days=1000)):
        granted = verify(keys, text)
        assert granted.valid(utcnow())
        assert not granted.valid(utcnow() + timedelta(minutes=6))
