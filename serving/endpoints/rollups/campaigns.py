"""The campaign that a query names as its kind of period, and what it selects."""

from collections.abc import Iterable

from metrics.calendars import Calendar
from metrics.campaigns.changes import unknown_campaign
from metrics.campaigns.chosen import Chosen, chosen
from metrics.errors import InvalidInput
from metrics.expected import Connection
from metrics.store import Store

_PREFIX = "campaign:"


def campaign_of(store: Store, workspace_id: str, calendar: Calendar, period: str, parameter: str) -> Chosen | None:
    """Return the campaign that a kind of period names, None for any other kind; `parameter` is its name in the query.

    Raises:
        InvalidInput: there is no such campaign; the message offers the nearest names.
        MongoUnavailable: MongoDB does not answer.
    """
    if not period.startswith(_PREFIX):
        return None
    name = period.removeprefix(_PREFIX)
    if found := store.campaigns.all(workspace_id, [name]):
        return chosen(store, found[0], calendar)
    known = [one["name"] for one in store.campaigns.all(workspace_id)]
    raise InvalidInput(f"{parameter}: {unknown_campaign(name, known)}", parameter)


def of_campaign(accounts: Iterable[Connection], campaign: Chosen | None) -> list[Connection]:
    """Return the accounts of a campaign, or all without one."""
    return [one for one in accounts if campaign is None or campaign.takes_account(one.account_id)]
