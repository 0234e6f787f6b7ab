"""Opens the stores for a command: those of the settings, or those of the stack that runs in `$TIDEMARK_HOME`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from metrics.clock import offset, set_offset
from metrics.errors import SettingsError
from metrics.settings import Settings, load_settings
from tidemark.home import Home
from tidemark.stack.simulated import simulated_settings
from tidemark.variables import refuse_misspelt

if TYPE_CHECKING:
    from redis import Redis

    from metrics.store import Store


def checked_settings() -> Settings:
    """Return the settings.

    Raises:
        SettingsError: a value is wrong, or a variable looks like a misspelt setting.
    """
    refuse_misspelt()
    return load_settings()


def effective_settings(*, misspelt: bool = False) -> Settings:
    """Return the settings, completed with the servers of a stack that runs in `$TIDEMARK_HOME`; adopt its clock.

    With `misspelt`, variables that look like misspelt settings are tolerated.

    Raises:
        SettingsError: see `checked_settings`.
    """
    settings = load_settings() if misspelt else checked_settings()
    home = Home(settings.home.resolve())
    up = home.running() or {}
    if up and settings.mongo_url in (None, up["mongo"]):
        _live_at(timedelta(seconds=float(up.get("clock", "0"))))
    changes: dict[str, object] = {}
    if settings.mongo_url is None and up:
        changes["mongo_url"] = up["mongo"]
    if settings.redis_url is None and up:
        changes["redis_url"] = up["redis"]
    if not settings.secret_keys and home.secret_file.exists():
        changes["secret_keys"] = home.secret_key()
    if up:
        changes |= simulated_settings(settings, up["simulator"], up["http"])
    return load_settings(**changes) if changes else settings


def _live_at(ahead: timedelta) -> None:
    if ahead != offset():
        set_offset(ahead)


@contextmanager
def open_store(*, create: bool = False) -> Iterator[tuple["Store", Settings]]:
    """Open the store for one command.

    With `create`, for commands that insert data, missing collections and indexes are created first. All other commands
    leave the database unchanged.

    Raises:
        SettingsError: there is neither a URL nor a running stack, or the URL is wrong.
        MongoUnavailable: MongoDB does not answer.
    """
    # Imported late: drivers take most of a second to import, and help and completion do not need them.
    from pymongo.errors import ConfigurationError

    from metrics.store import Store

    settings = effective_settings()
    if settings.mongo_url is None:
        raise SettingsError(
            f"no stack runs in {settings.home.resolve()}: start `tidemark up`, or set TIDEMARK_MONGO_URL (and "
            "TIDEMARK_REDIS_URL) to running servers"
        )
    try:
        store = Store.connect(settings)
    except (ConfigurationError, ValueError) as error:
        raise SettingsError(f"TIDEMARK_MONGO_URL: {error}") from None
    try:
        if create:
            store.ensure(settings)
        else:
            store.ping()
        yield store, settings
    finally:
        store.close()


@contextmanager
def open_redis(settings: Settings) -> Iterator["Redis"]:
    """Open Redis for one command. Call it before writing anything, so that nothing changes if Redis cannot be reached.

    Raises:
        SettingsError: TIDEMARK_REDIS_URL is not set, or wrong.
        RedisUnavailable: Redis does not answer.
    """
    from metrics.redis.client import connect as connect_redis
    from metrics.redis.errors import redis_errors

    try:
        client = connect_redis(settings)
    except ValueError as error:
        raise SettingsError(f"TIDEMARK_REDIS_URL: {error}") from None
    with client:
        with redis_errors():
            client.ping()
        # Outside of `redis_errors`: the command's calls convert Redis errors themselves, and its other errors (above
        # all of files) must not be taken for Redis errors.
        yield client
