"""The fenced blocks of README.md and docs/: what is run, how, and what says why it is not.

A comment before a block tells: `<!-- not run: reason -->`, `<!-- run: until it prints -->` for what goes on for ever,
`<!-- run: whatever it finds -->` for what may exit with another code than 0.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUN = ("sh", "python", "js", "sql")
DATA = ("", "json", "yaml", "csv", "text", "promql")
"""Languages of pictures and of data, which nobody runs."""

_BLOCK = re.compile(
    r"(?:^<!-- (?P<how>not run|run): (?P<why>[^\n]+?) -->\n)?^```(?P<language>\S*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


WAYS = ("run", "until it prints", "whatever it finds", "not run")


@dataclass(frozen=True)
class Block:
    """One block and where it stands."""

    page: str
    line: int
    language: str
    text: str
    how: str
    """One of `WAYS`."""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """README.md and all of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text, name, found = page.read_text(), str(page.relative_to(ROOT)), []
    for match in _BLOCK.finditer(text):
        how, why = match["how"] or "run", match["why"] or ""
        line = text.count("\n", 0, match.start("language")) + 1
        way = "not run" if how == "not run" else why or "run"
        found.append(Block(name, line, match["language"], match["text"], way, why))
    return found
