"""The recorded answers of the platforms, from the folder of the fixture `fixtures`."""

import json
from pathlib import Path
from typing import Any


def recorded(fixtures: Path, name: str) -> Any:
    """Return a recorded answer by its name, `platform/file` without the suffix."""
    return json.loads((fixtures / f"{name}.json").read_text())
