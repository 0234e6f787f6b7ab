"""By whose word a command is run."""

import os
from getpass import getuser


def user() -> str:
    """Return the name of the user of this process, or its number."""
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # A container may run as a user without a name.
