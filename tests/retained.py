"""How long the database of a test keeps data."""

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup import lifetimes as kept


def keep(store: Store, settings: Settings) -> None:
    """Make the database keep data for as long as the settings say, as `tidemark retention sync` does."""
    kept.apply(store.db, kept.differences(store.db, kept.lifetimes(settings)))
