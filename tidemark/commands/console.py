"""What the commands print with."""

import json
from typing import Any

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print a value for a program to read; instants as ISO 8601."""
    out.print_json(json.dumps(value, default=lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v)))
