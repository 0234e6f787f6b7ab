"""Runs the blocks of the documents in a folder where `make up` runs, as a reader does by copying them."""

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.blocks import Block

SECONDS = 90
NEWS = ("metrics", "followers")
"""A printed line with one of these words reports an observation."""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class BlockFailed(Exception):
    """A block did not do what its page says."""


@dataclass
class Runner:
    """Runs blocks in `folder`; variables of shell blocks last to the end of their page.

    `up` is what `up.json` says, `token` what a reader has as `$TOKEN`, and `disturb` makes something happen on the
    stack, for blocks that wait for news.
    """

    folder: Path
    up: dict[str, str]
    environment: dict[str, str]
    disturb: Callable[[], object]

    def run(self, block: Block) -> str:
        """Run a block and return what it printed.

        Raises:
            BlockFailed: it failed, printed nothing where it is to print, or took too long.
        """
        ways = {"sh": self._shell, "python": self._python, "js": self._javascript, "sql": self._sql}
        return ways[block.language](block)

    def forget(self) -> None:
        """Begin a new page."""
        (self.folder / ".block-state").unlink(missing_ok=True)

    def _here(self, text: str) -> str:
        for there, here in (
            ("http://127.0.0.1:8000", self.up["http"]),
            ("http://127.0.0.1:3000", self.up["dagster"]),
            ("http://127.0.0.1:8100", self.up["simulator"]),
            ("tm_live_YOURKEY", self.up["key"]),
        ):
            text = text.replace(there, here)
        return text

    def _shell(self, block: Block) -> str:
        state = "[ -f .block-state ] && . ./.block-state\nset -a\n"
        script = f"{state}set -euo pipefail\n{self._here(block.text)}\nset +eux\nexport -p > .block-state\n"
        return self._process(block, ["bash", "-c", script])

    def _python(self, block: Block) -> str:
        return self._process(block, [str(self.folder / ".venv/bin/python"), "-c", self._here(block.text)])

    def _sql(self, block: Block) -> str:
        ask = "import duckdb, sys; rows = duckdb.sql(sys.argv[1]).fetchall(); assert rows; print(rows)"
        return self._process(block, [str(self.folder / ".venv/bin/python"), "-c", ask, block.text])

    def _process(self, block: Block, command: list[str]) -> str:
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        timer = threading.Timer(SECONDS, lambda: os.killpg(process.pid, 9))
        timer.start()
        try:
            if block.how == "until it prints":
                return self._until_it_prints(block, process)
            printed, _ = process.communicate()
        finally:
            timer.cancel()
        if process.returncode != 0 and block.how != "whatever it finds":
            raise BlockFailed(f"{block} ended with {process.returncode}:\n{printed[-3000:]}")
        return printed

    def _until_it_prints(self, block: Block, process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        with self._disturbing():
            for line in process.stdout:
                if any(word in line for word in NEWS):
                    os.killpg(process.pid, 9)
                    process.wait()
                    return line
        raise BlockFailed(f"{block} ended without news, with {process.wait()}")

    @contextmanager
    def _disturbing(self) -> Iterator[None]:
        """Make something happen again and again, because a test cannot see when a stream is open."""
        done = threading.Event()

        def disturb() -> None:
            while not done.wait(0.3):
                self.disturb()

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _javascript(self, block: Block) -> str:
        if CHROMIUM is None:
            return "not run: there is no Chromium here"
        from playwright.sync_api import Error, sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            try:
                page = browser.new_page()
                page.goto(f"{self.up['http']}/docs")
                return self._in_page(page, block)
            except Error as error:
                raise BlockFailed(f"{block}: {error.message}") from None
            finally:
                browser.close()

    def _in_page(self, page: Any, block: Block) -> str:
        printed: list[str] = []
        page.on("console", lambda message: printed.append(message.text))
        page.evaluate(f"async () => {{ {self._here(block.text)} }}")
        deadline = time.monotonic() + SECONDS
        with self._disturbing():
            while not printed:
                if time.monotonic() > deadline:
                    raise BlockFailed(f"{block} printed nothing")
                page.wait_for_timeout(100)
        return json.dumps(printed)
