"""A company's network on this machine: a proxy that knows names nobody else resolves, and an authority of its own."""

import base64
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
LOGIN = "zoe:s3cr3t%40word"
"""As it stands in a URL."""


class Proxy:
    """Forwards requests and tunnels to ports of this machine by `names`; refuses other names, and wrong logins."""

    def __init__(self, names: dict[str, int], login: str | None = None) -> None:
        self.seen: list[str] = []
        proxy = self
        wanted = "Basic " + base64.b64encode((login or "").replace("%40", "@").encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _port(self, host: str) -> int | None:
                proxy.seen.append(f"{self.command} {host}")
                if login is not None and self.headers.get("Proxy-Authorization") != wanted:
                    self.send_response(407)
                elif host not in names:
                    self.send_response(403)
                else:
                    return names[host]
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None

            def do_CONNECT(self) -> None:
                port = self._port(self.path.partition(":")[0])
                if port is not None:
                    with socket.create_connection((HOST, port)) as far:
                        self.send_response(200)
                        self.end_headers()
                        pass_on(self.connection, far)
                self.close_connection = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                port = self._port(str(parts.hostname))
                if port is None:
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                kept = [(n, v) for n, v in self.headers.items() if not n.lower().startswith(("proxy-", "connection"))]
                head = "".join(f"{name}: {value}\r\n" for name, value in [*kept, ("Connection", "close")])
                with socket.create_connection((HOST, port)) as far:
                    far.sendall(f"{self.command} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                    while data := far.recv(65536):
                        self.wfile.write(data)
                self.close_connection = True

            do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                """Keep the tests' output clean."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        at = f"{HOST}:{self._server.server_port}"
        self.url = f"http://{login}@{at}" if login else f"http://{at}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def pass_on(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes between two sockets until both have said all."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=copy, args=[other, one])
    back.start()
    copy(one, other)
    back.join()


class Authority:
    """A certificate authority of a test; `bundle` is its file."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = self._builder(self._name, self._key).add_extension(constraints, True)
        signed = self._certificate.sign(self._key, hashes.SHA256())
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )

    def context(self, *hosts: str) -> ssl.SSLContext:
        """A context for a server of these names, with a certificate of this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        names = x509.SubjectAlternativeName([_name(host) for host in hosts])
        builder = self._builder(subject, key).add_extension(names, False)
        path = self._folder / f"{hosts[0]}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@contextmanager
def web_server(body: bytes = b"{}", tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[Any]]]:
    """Run a server that answers everything with `body`; yield its port and the requests it had: path, headers, body."""
    had: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            had.append((self.path, dict(self.headers), sent))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that does not trust us hangs up
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port, had
    server.shutdown()
    thread.join()
    server.server_close()
