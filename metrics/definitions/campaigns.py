"""Deletion of a campaign, which is refused while a definition in use names it in a label."""

from metrics.campaigns.changes import unknown_campaign
from metrics.definitions.changes import live
from metrics.definitions.language.checker import check
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.errors import InvalidInput, NotFound
from metrics.store import Store


def remove_campaign(store: Store, workspace_id: str, name: str) -> None:
    """Delete a campaign; what was collected stays.

    Raises:
        NotFound: there is no such campaign.
        InvalidInput: a definition names it.
        MongoUnavailable: MongoDB does not answer.
    """
    if users := _users(store, workspace_id, name):
        raise InvalidInput(f"{name} is named by {', '.join(users)}: change or retire that first", "name")
    if not store.campaigns.remove(workspace_id, name):
        raise NotFound(unknown_campaign(name, (one["name"] for one in store.campaigns.all(workspace_id))))


def _users(store: Store, workspace_id: str, campaign: str) -> list[str]:
    """Return the definitions in use whose formula names a campaign."""
    expressions = {name: one["expression"] for name, one in live(store.definitions.newest(workspace_id)).items()}
    found = []
    for name, expression in sorted(expressions.items()):
        if campaign not in expression:
            continue
        try:
            form = check(expression, Vocabulary(workspace_id, expressions), name=name).form
        except InvalidInput:
            continue  # An expression that this version no longer accepts cannot be read, so nothing depends on it.
        if any(campaign in term.selector.campaigns for term in form.terms):
            found.append(name)
    return found
