"""README.md and docs/: links lead somewhere, names exist, and every block is run by the walk or says why not."""

import json
import re
from pathlib import Path

import pytest

from tests.blocks import DATA, ROOT, RUN, WAYS, Block, blocks, pages
from tests.test_deploy import SERVICES
from tests.tidemark.commands import all_commands

BLOCKS = [block for page in pages() for block in blocks(page)]
SHELL = [block for block in BLOCKS if block.language == "sh"]
README_LINES = 150


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in pages():
        assert f"({page.name})" in index or page.name == "README.md", page.name


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block_is_run_or_says_why_not(block: Block) -> None:
    assert block.language in (*RUN, *DATA), f"nobody knows how to run {block.language}"
    assert block.how in WAYS, f"no such way to run: {block.how}"
    assert block.how != "not run" or len(block.reason.split()) > 2, "say why"


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
