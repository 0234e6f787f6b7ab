"""The check of the campaigns that the label `campaign` names."""

from collections.abc import Mapping

from metrics.campaigns.chosen import nearest
from metrics.definitions.language.tree import Label, Refused


def check_campaigns(label: Label, known: Mapping[str, bool] | None, *, of_accounts: bool, name: str) -> tuple[str, ...]:
    """Return the campaigns that a label names, sorted.

    `known` has the campaigns of the workspace, and whether they select posts; with None they are not checked.
    `of_accounts` says that `name` is a number of accounts, which posts do not have.

    Raises:
        Refused: there is no such campaign, or it selects posts and the metric is a number of accounts.
    """
    for value in label.values if known is not None else ():
        if known is not None and value.text not in known:
            raise Refused(value.at, f"there is no campaign {value.text}: {nearest(value.text, known)}")
        if known is not None and of_accounts and known[value.text]:
            message = f"{value.text} is a campaign of posts, and {name} is a number of accounts: leave the label out"
            raise Refused(value.at, message)
    return tuple(sorted({value.text for value in label.values}))
