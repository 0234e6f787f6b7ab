"""What the commands of alerts share: channels are read from files, and never printed."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat
from metrics.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import SecretStr

ChannelsFrom = Annotated[
    str | None,
    typer.Option(help="A file with one apprise URL a line, or - for standard input. Without it, channels stay."),
]
_PRIVATE = ("_id", "due", "since", "sealed", "nextAt", "pending")
_LARGEST = 64 * 1024


def public(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert, or a part of it, in a form that can be printed: without secrets."""
    shown: dict[str, Any] = {}
    for name, value in found.items():
        if name in _PRIVATE:
            continue
        if isinstance(value, dict):
            shown[name] = public(value)
        elif name == "channels":
            shown[name] = [public(one) for one in value]
        else:
            shown[name] = isoformat(value) if hasattr(value, "isoformat") else value
    return shown


def read_channels(place: str) -> "tuple[SecretStr, ...]":
    """Return the URLs of a file; they are not given as options, because every user of a machine sees those."""
    from pydantic import SecretStr

    try:
        content = sys.stdin.buffer.read(_LARGEST + 1) if place == "-" else _read(Path(place))
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise InvalidInput(f"{place}: {error.strerror}", "--channels-from") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{place}: not UTF-8 text", "--channels-from") from None
    if len(content) > _LARGEST:
        raise InvalidInput(f"{place}: larger than {_LARGEST // 1024} KiB, which no channels need", "--channels-from")
    return tuple(SecretStr(line.strip()) for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_LARGEST + 1)
