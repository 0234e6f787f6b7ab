"""Changing how long the database keeps data: what `tidemark retention sync` and `tidemark up` share."""

from collections.abc import Callable

from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.lifetimes import Difference, apply, differences, doomed, lifetimes

SHORTEN = "tidemark retention sync --shorten"


def lengthen(store: Store, settings: Settings, say: Callable[[str], None]) -> list[Difference]:
    """Apply every longer expiry and return them; say which shorter ones were left as they are.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = differences(store.db, lifetimes(settings))
    longer = [one for one in found if not one.shortens]
    apply(store.db, longer)
    for one in found:
        if one.shortens:
            say(f"{one}: left as it is, since {loss(store, one)} would be deleted; `{SHORTEN}` does it")
    return longer


def synchronise(store: Store, settings: Settings, say: Callable[[str], None], *, shorten: bool) -> list[Difference]:
    """Bring every expiry to what the settings say; return what was changed.

    Without `shorten` nothing is changed where anything would be kept for less long than at present.

    Raises:
        InvalidInput: an expiry would become shorter and `shorten` was not given.
        MongoUnavailable: MongoDB does not answer.
    """
    found = differences(store.db, lifetimes(settings))
    shorter = [one for one in found if one.shortens]
    if shorter and not shorten:
        said = "; ".join(f"{one}, which deletes {loss(store, one)}" for one in shorter)
        raise InvalidInput(f"{said}: add --shorten to do it; nothing was changed")
    for one in shorter:
        say(f"{one}: deleting {loss(store, one)}")
    apply(store.db, found)
    return found


def changed(difference: Difference) -> str:
    """Return what a change that was applied means."""
    wanted = difference.wanted
    return f"the database keeps {wanted.collection} for {wanted.seconds / 86_400:g} days from now on"


def loss(store: Store, difference: Difference) -> str:
    """Return how much a shorter expiry deletes."""
    found = doomed(store.db, difference, utcnow())
    return f"{found.documents:,} documents of {found.days:,} days" if found.documents else "nothing yet"
