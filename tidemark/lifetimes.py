"""Changes how long the database keeps data; shared by `tidemark retention sync` and `tidemark up`."""

from collections.abc import Callable

from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.lifetimes import Difference, apply, count_expiring, differences, lifetimes

SHORTEN = "tidemark retention sync --shorten"


def lengthen(store: Store, settings: Settings, say: Callable[[str], None]) -> list[Difference]:
    """Apply all longer expiries, and return these; report with `say` the shorter ones, which are not applied.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = differences(store.db, lifetimes(settings))
    longer = [difference for difference in found if not difference.shortens]
    apply(store.db, longer)
    for difference in found:
        if difference.shortens:
            say(
                f"{difference}: not applied, because {loss(store, difference)} would be deleted; `{SHORTEN}` applies it"
            )
    return longer


def synchronise(store: Store, settings: Settings, say: Callable[[str], None], *, shorten: bool) -> list[Difference]:
    """Set all expiries as in the settings; return the differences that were applied.

    If any expiry would become shorter and `shorten` is not given, nothing is changed.

    Raises:
        InvalidInput: an expiry would become shorter and `shorten` was not given.
        MongoUnavailable: MongoDB does not answer.
    """
    found = differences(store.db, lifetimes(settings))
    shorter = [difference for difference in found if difference.shortens]
    if shorter and not shorten:
        losses = "; ".join(f"{difference}, which deletes {loss(store, difference)}" for difference in shorter)
        raise InvalidInput(f"{losses}: add --shorten to do it; nothing was changed")
    for difference in shorter:
        say(f"{difference}: deleting {loss(store, difference)}")
    apply(store.db, found)
    return found


def changed(difference: Difference) -> str:
    """Return a message about a difference that was applied."""
    wanted = difference.wanted
    return f"the database keeps {wanted.collection} for {wanted.seconds / 86_400:g} days from now on"


def loss(store: Store, difference: Difference) -> str:
    """Return how much data a shorter expiry deletes, in words."""
    found = count_expiring(store.db, difference, utcnow())
    return f"{found.documents:,} documents of {found.days:,} days" if found.documents else "nothing yet"
