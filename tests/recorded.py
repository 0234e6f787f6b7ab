"""The recorded answers of the platforms, from the folder of the fixture `fixtures`."""

import json
from pathlib import Path
from typing import Any


def recorded(fixtures: Path, name: str) -> Any:
    """Return a recorded answer by its name, `platform/file` without the suffix."""
    roots = (fixtures, _further(fixtures))
    return json.loads(next(file for root in roots if (file := root / f"{name}.json").is_file()).read_text())


def recordings(fixtures: Path, folder: str) -> list[Path]:
    """Return the recorded answers of a platform, in either collection of them."""
    return [file for root in (fixtures, _further(fixtures)) for file in (root / folder).glob("*.json")]


def _further(fixtures: Path) -> Path:
    """Return the folder of the second collection, of platforms that were added later."""
    return fixtures.parent / "fixtures-more"
