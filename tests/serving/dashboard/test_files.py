"""The files of the dashboard: the vendored chart library is the published one, and the first view is small."""

import hashlib
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import CDPSession

from serving.dashboard import page
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage

FIRST_VIEW_BYTES = 200_000
FIRST_VIEW_API_CALLS = 6
WHOLE_PAGE_API_CALLS = 20
"""Also those of sections that are drawn when they come near the view (charts, own metrics, posts, watched accounts, the
next hours, types, best times, how posts age), and of what the page reads when it is whole: alerts, forecasts,
anomalies."""
VENDOR = Path(page.__file__).parent / "static" / "vendor"
HASHES = {name: digest for digest, name in map(str.split, (VENDOR / "SHA256SUMS").read_text().splitlines())}


def test_vendored_files_are_unchanged_and_have_a_licence() -> None:
    found = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in VENDOR.iterdir()}
    found.pop("SHA256SUMS")
    assert found == HASHES
    assert "MIT" in next((VENDOR / name).read_text() for name in HASHES if name.endswith(".LICENSE.txt"))


@pytest.mark.browser
@pytest.mark.parametrize("name", [name for name in HASHES if not name.endswith(".txt")])
def test_vendored_file_is_compressed_and_cached_for_good(stage: Stage, name: str) -> None:
    # The script loads the library before the first chart.
    assert any(f"/dashboard/{name}" in httpx.get(stage.url + path).text for path in ("", "dashboard/dashboard.js"))
    answer = httpx.get(f"{stage.url}dashboard/{name}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert hashlib.sha256(answer.content).hexdigest() == HASHES[name]


@pytest.mark.browser
def test_modules_are_one_script_which_is_preloaded(stage: Stage) -> None:
    text, script = httpx.get(stage.url).text, httpx.get(f"{stage.url}dashboard/dashboard.js").text
    assert '<link rel="modulepreload" href="/dashboard/dashboard.js">' in text
    assert re.findall(r"<script[^>]* src=\"([^\"]+)\"", text)[-1] == "/dashboard/dashboard.js"
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    for module in VENDOR.parent.glob("*.js"):  # none is forgotten
        assert module.name == "theme.js" or f"const module_{module.stem} = " in script
    assert httpx.get(f"{stage.url}dashboard/main.js").status_code == 404


def watch(session: CDPSession) -> tuple[dict[str, str], dict[str, int]]:
    """Return the URLs of the requests from now on, and the bytes of each as they came over the network, by request."""
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session.on("Network.requestWillBeSent", lambda e: urls.__setitem__(e["requestId"], e["request"]["url"]))
    session.on("Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], e["encodedDataLength"]))
    session.send("Network.enable")
    return urls, sizes


@pytest.mark.browser
def test_first_view_is_small(look: Look) -> None:
    urls, sizes = watch(look.page.context.new_cdp_session(look.page))
    look.enter()
    # A second after the view is whole, the page reads what it is whole without.
    later = ("/alerts", "/forecasts", "/anomalies")
    first = [url for url in calls(urls) if not url.partition("?")[0].endswith(later)]
    assert len(first) <= FIRST_VIEW_API_CALLS, first
    look.scroll()
    look.page.wait_for_selector("#plot-rate canvas")
    assert f"workspace={WORKSPACE}" in look.page.url
    assert 50_000 < sum(sizes.values()) < FIRST_VIEW_BYTES
    assert len(calls(urls)) <= WHOLE_PAGE_API_CALLS, calls(urls)


def calls(urls: dict[str, str]) -> list[str]:
    """Return the requests of the API."""
    return [url for url in urls.values() if "/analytics/" in url]
