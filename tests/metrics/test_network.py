"""The proxy for each URL, and the errors of a wrong proxy or file of authorities."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from metrics.errors import SettingsError
from metrics.network import Network
from metrics.settings import Settings, load_settings
from tests.proxy import Authority

PROXY = "http://ann:s3cr3t@proxy.example:3128"
OUTSIDE = "https://graph.example/v25.0/me"


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIDEMARK_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def network(environment: dict[str, str] | None = None, proxy: str | None = None) -> Network:
    settings = Settings(_env_file=None, proxy=SecretStr(proxy) if proxy else None)
    return Network.of(settings, environment or {})


@pytest.mark.parametrize(
    ("environment", "proxy", "url", "by"),
    [
        ({}, None, OUTSIDE, None),
        ({}, PROXY, OUTSIDE, "TIDEMARK_PROXY"),
        ({}, PROXY, "http://graph.example/", "TIDEMARK_PROXY"),
        ({"HTTPS_PROXY": PROXY}, None, OUTSIDE, "HTTPS_PROXY"),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, None, OUTSIDE, "https_proxy"),
        ({"HTTPS_PROXY": PROXY}, None, "http://graph.example/", None),
        ({"HTTP_PROXY": PROXY}, None, "http://graph.example/", "HTTP_PROXY"),
        ({"HTTPS_PROXY": "proxy.example:3128"}, None, OUTSIDE, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://other:1"}, PROXY, OUTSIDE, "TIDEMARK_PROXY"),
        ({"HTTPS_PROXY": PROXY}, "none", OUTSIDE, None),
        ({"HTTPS_PROXY": ""}, None, OUTSIDE, None),
    ],
)
def test_settings_count_before_variables(
    environment: dict[str, str], proxy: str | None, url: str, by: str | None
) -> None:
    found = network(environment, proxy).proxy_for(url)
    assert (found.variable if found else None) == by
    if found:
        assert "s3cr3t" not in f"{found} {found!r} {network(environment, proxy)!r}"
        assert found.address == ("proxy.example", 3128)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST", "[::1]", "localhost:8100"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_this_machine_is_always_reached_directly(host: str, scheme: str) -> None:
    assert network(proxy=PROXY).proxy_for(f"{scheme}://{host}/x") is None
    assert network({"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY}).proxy_for(f"{scheme}://{host}/x") is None


@pytest.mark.parametrize(
    ("excepted", "host", "directly"),
    [
        ("graph.example", "graph.example", True),
        ("example", "graph.example", True),
        (".example", "graph.example", True),
        ("*.example", "graph.example", True),
        ("ample", "graph.example", False),
        ("graph.example:443", "graph.example", True),
        ("graph.example:8443", "graph.example", False),
        ("graph.example:8443", "graph.example:8443", True),
        ("10.0.0.0/8", "10.9.8.7", True),
        ("10.0.0.0/8", "11.9.8.7", False),
        ("10.9.8.7", "10.9.8.7", True),
        ("fd00::/8", "[fd12::1]", True),
        ("other, GRAPH.example ,", "graph.example", True),
        ("*", "graph.example", True),
        (",,", "graph.example", False),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_no_proxy_names_hosts_that_are_reached_directly(excepted: str, host: str, directly: bool, own: bool) -> None:
    environment = {"NO_PROXY": excepted} | ({} if own else {"HTTPS_PROXY": PROXY})
    found = network(environment, PROXY if own else None).proxy_for(f"https://{host}/")
    assert (found is None) == directly


@pytest.mark.parametrize(
    "wrong",
    [
        "socks5://s3cr3t:1", "http://", "http://ann:s3cr3t@:3128", "http://s3cr3t:port", "s3c r3t", "http://a:0/",
        "http://s3cr3t:12/34@proxy:3128", "http://ann:1?s3cr3t@proxy:1", "http://ann:1#s3cr3t@proxy:1",
        "http://ann:s3c%E2%82%ACr3t@proxy:3128", f"http://{'s3c' * 30}.example:3128",
    ],
)  # fmt: skip
def test_wrong_proxy_is_named_by_its_variable_and_not_shown(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TIDEMARK_PROXY", "HTTPS_PROXY", "http_proxy"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, wrong)
            with pytest.raises(SettingsError) as caught:
                load_settings(_env_file=None)
        assert str(caught.value).startswith(f"{variable}: give it as http://host:3128")
        assert "s3c" not in str(caught.value)


@pytest.mark.parametrize("variable", ["TIDEMARK_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize(
    "content", [None, b"", b"-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----"]
)
def test_wrong_file_of_authorities_is_named_by_its_variable(
    variable: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(variable, str(path))
    with pytest.raises(SettingsError) as caught:
        load_settings(_env_file=None)
    assert str(caught.value).startswith(f"{variable}: {path}: ")
    assert "PEM form" in str(caught.value)


def test_variable_that_is_set_to_nothing_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIDEMARK_CA_BUNDLE", "TIDEMARK_PROXY", "HTTPS_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "")
    found = Network.of(load_settings(_env_file=None))
    assert (found.ca_bundle, found.proxies) == (None, {})


def test_folder_of_authorities_needs_hashed_names(tmp_path: Path) -> None:
    settings = Settings(_env_file=None)
    folders = [tmp_path / name for name in ("plain", "hashed")]
    for folder, name in zip(folders, ("ca.pem", "5ed36f99.0"), strict=True):
        folder.mkdir()
        (folder / name).write_bytes(b"")
    plain, hashed = map(str, folders)
    with pytest.raises(SettingsError, match=f"SSL_CERT_FILE: {plain}: holds no hashed certificates"):
        Network.of(settings, {"SSL_CERT_FILE": plain})
    assert Network.of(settings, {"SSL_CERT_FILE": hashed}).ca_bundle == hashed


def test_first_file_of_authorities_counts(tmp_path: Path) -> None:
    bundle = str(Authority(tmp_path).bundle)
    settings = Settings(_env_file=None)
    assert Network.of(settings, {"REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": "/missing"}).ca_bundle == bundle
    own = settings.model_copy(update={"ca_bundle": Path(bundle)})
    found = Network.of(own, {"REQUESTS_CA_BUNDLE": "/missing"})
    assert (found.ca_bundle, found.ssl_context().cert_store_stats()["x509_ca"]) == (bundle, 1)
    assert Network.of(settings, {}).ca_bundle is None


def test_exported_variables_give_the_same_network(tmp_path: Path) -> None:
    environment = {"https_proxy": "http://other:1", "NO_PROXY": "minio.example", "NETRC": "/home/ann/.netrc"}
    environment["REQUESTS_CA_BUNDLE"] = str(Authority(tmp_path).bundle)
    first = network(environment, PROXY)
    first.export(environment)
    assert environment["https_proxy"] == environment["HTTP_PROXY"] == PROXY
    assert environment["AWS_CA_BUNDLE"] == environment["SSL_CERT_FILE"] == environment["REQUESTS_CA_BUNDLE"]
    assert environment["NETRC"] == "/dev/null"
    again = network(environment, PROXY)
    assert (again.direct, again.ca_bundle) == (first.direct, first.ca_bundle)
    network(environment, "none").export(environment)
    assert "https_proxy" not in environment
