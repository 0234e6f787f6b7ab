"""The operating system user that runs a command, for records of erasures and revocations."""

import os
from getpass import getuser


def user() -> str:
    """Return the name of this process's user, or the user id if it has no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # In a container the user may have no name.
