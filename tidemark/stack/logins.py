"""The passwords of the embedded MongoDB and Redis: generated once, and kept in private files of the stack's folder.

No password is on a command line, where every user of the machine could read it. Redis reads its password from a
configuration file. MongoDB stores a user, which is created over a connection that authenticates with the key file of
the replica set; so a folder of an earlier version, without users, gets one as well.
"""

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

from tidemark.home import Home, write_private
from tidemark.stack import mongo, redis

_FILE = "logins.json"
_KEY_BYTES = 96
"""Size of the key file's content before base64; MongoDB reads 6 to 1024 characters."""


@dataclass(frozen=True, slots=True)
class Logins:
    """How to authenticate to the embedded servers."""

    mongo: mongo.Login
    redis: redis.Login


def logins(home: Home) -> Logins:
    """Return the logins of the stack in `home`; the first call generates them.

    A missing or broken file is generated again, because each start gives the servers the passwords of the files.
    """
    known = home.read(_FILE)
    passwords = {name: _password(known, name) for name in ("mongo", "redis")}
    if passwords != known:
        home.write(_FILE, passwords)
    key_file = home.path / "mongo.key"
    if not _is_filled(key_file):
        write_private(key_file, base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n")
    configuration = home.path / "redis.conf"
    write_private(configuration, f"requirepass {passwords['redis']}\n")
    return Logins(mongo.Login(key_file, passwords["mongo"]), redis.Login(configuration, passwords["redis"]))


def _password(known: object, name: str) -> str:
    """Return a stored password, or a new one; its characters need no quoting in a URL."""
    stored = known.get(name) if isinstance(known, dict) else None
    return stored if isinstance(stored, str) and stored else secrets.token_urlsafe(32)


def _is_filled(file: Path) -> bool:
    try:
        return bool(file.read_text().strip())
    except (OSError, ValueError):
        return False
