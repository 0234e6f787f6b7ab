"""Files with secrets: a container has one per secret, in the folder `/run/secrets`."""

import os
from pathlib import Path

from metrics.errors import SettingsError

FOLDER = Path("/run/secrets")
"""The folder of secrets in containers: a file per setting, named like its variable in lower case."""


def read_secret(path: Path) -> str:
    """Return the content of a file without white space around it.

    Raises:
        SettingsError: the file is missing, empty, or cannot be read. The message names the file, and not its content.
    """
    try:
        content = path.read_text().strip()
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} has to be text in UTF-8") from None
    if not content:
        raise SettingsError(f"{path} is empty: write the secret into it")
    return content


def unreadable(path: Path | str, error: OSError) -> SettingsError:
    """Return the error for a file of settings or secrets that cannot be read."""
    if isinstance(error, PermissionError):
        return SettingsError(
            f"{path} cannot be read by user id {os.getuid()}: give this user the right to read it, for example with "
            "`chmod 644` on the file that is mounted there"
        )
    return SettingsError(f"{path} cannot be read: {error.strerror}")
