"""The React example as its README runs it: built with npm, served by Vite, and opened in a browser."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request

from tests.clients.apart import APART
from tests.serving.dashboard.stage import WORKSPACE
from tests.waiting import until
from tidemark.stack.ports import HOST, free_port, is_free

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "react-dashboard"


def modules(name: str) -> Path:
    """Return the folder of an environment's npm packages; the test is skipped where it is not installed."""
    found = APART / name / "node_modules"
    if shutil.which("npm") is None or not found.is_dir():
        pytest.skip(f"{name} is not installed: `make frontend` does it, with Node 20 and npm")
    return found


def built(folder: Path, openapi: str, **settings: str) -> Path:
    """Build the example in `folder` with types from the URL `openapi`, strictly checked; return the folder."""
    installed = modules("react-dashboard")
    left_out = shutil.ignore_patterns("node_modules", "dist", "schema.ts")
    copy = Path(shutil.copytree(EXAMPLE, folder, ignore=left_out))
    (copy / "node_modules").symlink_to(installed)
    environment = {**os.environ, "TIDEMARK_OPENAPI": openapi, **settings}
    ran = subprocess.run(
        ["npm", "run", "build"], cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=250
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return copy


@contextmanager
def previewed(folder: Path, api: str) -> Iterator[str]:
    """Serve a built example, which passes the paths of the API on to `api`; yield its URL."""
    port = free_port()
    command = ["node_modules/.bin/vite", "preview", "--host", HOST, "--port", str(port), "--strictPort"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "TIDEMARK_URL": api},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: not is_free(port) or process.poll() is not None, 30)
        assert process.poll() is None
        yield f"http://{HOST}:{port}/"
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Traffic:
    """The requests of a page to the API, and the bytes of their answers."""

    page: Page
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if "/analytics/" in request.url:
            self.requests.append(request)

    def transferred(self) -> int:
        """Return the bytes of all answers that have ended, compressed and with their headers."""
        ended = [request for request in self.requests if "/stream?" not in request.url]
        sizes = [request.sizes() for request in ended]
        return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)


def sign_in(page: Page, url: str, key: str, workspace: str = WORKSPACE) -> Page:
    """Open the example and enter a key, by keyboard alone."""
    page.goto(url)
    page.get_by_label("Workspace").fill(workspace)
    page.keyboard.press("Tab")
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    return page
