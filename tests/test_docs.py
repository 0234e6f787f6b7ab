"""README.md and docs/: links lead somewhere, names exist, and every block is run by the walk or says why not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from tests.blocks import DATA, ROOT, RUN, WAYS, Block, blocks, pages
from tests.test_deploy import SERVICES
from tests.tidemark.commands import all_commands

BLOCKS = [block for page in pages() for block in blocks(page)]
EXCERPTS = [block for block in BLOCKS if block.language == "ts" or block.reason.startswith("an excerpt of ")]
SHELL = [block for block in BLOCKS if block.language == "sh"]
README_LINES = 150
FOLDERS = ("metrics", "pipelines", "serving", "simulator", "tidemark", "bench", "tests", "deploy", "requirements")
CITING = ("metrics", "pipelines", "serving", "simulator", "tests", "deploy")
"""Folders whose files are known to cite pages: a search that finds none there would be wrong itself."""
SUFFIXES = (".py", ".js", ".css", ".html", ".yml", ".yaml", ".toml", ".in")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def _cited(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the pages that a text cites, each with the anchors behind it: `docs/platform-facts.md#x, #meta-days`.

    A name in quotes is data of the code, and `.md(` is a call; neither is a citation.
    """
    for cited, anchors in re.findall(
        r"(?<![\"\w./-])((?:[\w.-]+/)*[\w-]+\.md)\b(?!\()((?:(?:, | and )?#[\w-]+)*)", text
    ):
        yield cited, re.findall(r"#([\w-]+)", anchors)


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub derives them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("folder", FOLDERS)
def test_pages_cited_in_code_exist(folder: str) -> None:
    found = 0
    for file in (file for suffix in SUFFIXES for file in (ROOT / folder).rglob(f"*{suffix}")):
        for cited, anchors in _cited(file.read_text()):
            page, found = ROOT / cited, found + 1
            assert page.is_file(), f"{file.relative_to(ROOT)} cites {cited}, which is not in the repository"
            missing = set(anchors) - _anchors(page)
            assert not missing, f"{file.relative_to(ROOT)} cites sections that {cited} lacks: {sorted(missing)}"
    assert found or folder not in CITING


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in pages():
        assert page.name == "README.md" or f"({page.relative_to(ROOT / 'docs')})" in index, page.name


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block_is_run_or_says_why_not(block: Block) -> None:
    assert block.language in (*RUN, *DATA, "ts"), f"nobody knows how to run {block.language}"
    assert block.how in WAYS, f"no such way to run: {block.how}"
    assert block.how != "not run" or len(block.reason.split()) > 2, "say why"


@pytest.mark.parametrize("block", EXCERPTS, ids=str)
def test_excerpt_is_in_its_file(block: Block) -> None:
    """TypeScript is not run from the page: it has to be a piece of a file that `make frontend` compiles and runs."""
    path = block.reason.removeprefix("an excerpt of ")
    assert path != block.reason, "name the file: <!-- not run: an excerpt of PATH -->"
    text = (ROOT / path).read_text()
    assert any(indent(block.text, prefix) in text for prefix in ("", 4 * " ", 6 * " ")), f"{block} is not in {path}"


def test_every_fence_is_a_block() -> None:
    for page in pages():
        fences = re.findall(r"^\s*```", page.read_text(), re.MULTILINE)
        assert len(fences) == 2 * len(blocks(page)), page.name


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_names_in_shell_blocks_exist(block: Block) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE):
        assert target in targets
    for service in re.findall(r"docker compose (?:exec|build|logs|restart)(?: -\S+)* ([a-z-]+)", block.text):
        assert service in SERVICES
    commands = all_commands()
    for words in re.findall(r"(?:^|[^.\w/])tidemark ([a-z]+(?: [a-z]+)?)", block.text, re.MULTILINE):
        assert any(words.startswith(command) or command.startswith(words) for command in commands), words


def test_clients_page_has_every_client_with_its_version() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\S+) \|", (ROOT / "docs" / "clients.md").read_text(), re.MULTILINE)
    pinned = json.loads((ROOT / "requirements" / "node" / "package.json").read_text())["dependencies"]
    wanted = set(pinned.items())
    for asked in (ROOT / "requirements").glob("clients*.in"):
        locked = dict(
            reversed(re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", asked.with_suffix(".txt").read_text(), re.MULTILINE))
        )
        names = re.findall(r"^[\w.-]+", asked.read_text(), re.MULTILINE)
        wanted |= {(name, locked[name.lower()]) for name in names if name != "time-machine"}
    assert set(rows) == wanted


def test_commands_page_names_every_command() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    for command in all_commands():
        assert f"`{command.split()[-1]}`" in page or f"`tidemark {command}`" in page, command
