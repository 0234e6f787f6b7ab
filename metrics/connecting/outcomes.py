"""The outcome of a login that connected accounts, as the page and the waiting command tell it."""

from collections.abc import Sequence

from metrics.connecting.flows import Offer, Outcome
from metrics.documents import AccountDocument
from metrics.platforms.registry import FACTS
from metrics.store import Store


def connected(store: Store, offer: Offer, accounts: Sequence[AccountDocument]) -> Outcome:
    """Return the outcome of a login: which accounts it connected to which workspace, and when they are collected.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    shown = [
        {"accountId": one["_id"], "platformAccountId": one["platformAccountId"], "handle": one["handle"]}
        for one in accounts
    ]
    rest = "The next hour is the first to be collected."
    if not store.consents.may_store(offer.workspace_id, offer.platform):
        rest = (
            "Nothing is collected before the workspace has the consent that the terms of "
            f"{FACTS[offer.platform].title} demand: `tidemark consents give {offer.workspace_id} --platform "
            f"{offer.platform}`."
        )
    return Outcome("connected", f"{_sentence(offer, accounts)} {rest}", shown)


def _sentence(offer: Offer, accounts: Sequence[AccountDocument]) -> str:
    title = FACTS[offer.platform].title
    named = [f"{one['handle']} ({one['platformAccountId']})" for one in accounts]
    if offer.second_grant:
        return f"The second grant of the {title} account {named[0]} was added in the workspace {offer.workspace_id}."
    idle = sorted({one["state"] for one in accounts} - {"active"})
    if len(named) == 1:
        state = f" It is {idle[0]}: resume it to collect it." if idle else ""
        return f"The {title} account {named[0]} is connected to the workspace {offer.workspace_id}.{state}"
    state = f" Those that are {' or '.join(idle)} have to be resumed to be collected." if idle else ""
    return (
        f"{len(named)} {title} accounts are connected to the workspace {offer.workspace_id}: {', '.join(named)}.{state}"
    )
