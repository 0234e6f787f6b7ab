"""The stores that a command works on: those of the settings, or of the stack that runs in `$TIDEMARK_HOME`."""

from collections.abc import Iterator
from contextlib import contextmanager

from metrics.settings import Settings, load_settings
from metrics.store import Store
from tidemark.home import Home


def effective_settings() -> Settings:
    """Return the settings, completed by what a running `tidemark up` wrote into its home."""
    settings = load_settings()
    home = Home(settings.home.resolve())
    up = home.read("up.json") or {}
    changes: dict[str, object] = {}
    if settings.mongo_url is None and up:
        changes["mongo_url"] = up["mongo"]
    if settings.redis_url is None and up:
        changes["redis_url"] = up["redis"]
    if not settings.secret_keys and (home.path / "secret.key").exists():
        changes["secret_keys"] = home.secret_key()
    return load_settings(**changes) if changes else settings


@contextmanager
def open_store() -> Iterator[tuple[Store, Settings]]:
    """Open the store for one command.

    Raises:
        SettingsError: there is neither a URL nor a running stack.
        MongoUnavailable: MongoDB does not answer.
    """
    settings = effective_settings()
    store = Store.connect(settings)
    try:
        store.ensure(settings)
        yield store, settings
    finally:
        store.close()
