"""The recorded answers of the platforms, from the folder of the fixture `fixtures`."""

import json
from pathlib import Path
from typing import Any


def recorded(fixtures: Path, name: str) -> Any:
    """Return a recorded answer by its name, `platform/file` without the suffix; some are in a second folder beside."""
    folders = (fixtures, fixtures.with_name("fixtures-more"))
    found = next(path for folder in folders if (path := folder / f"{name}.json").is_file())
    return json.loads(found.read_text())
