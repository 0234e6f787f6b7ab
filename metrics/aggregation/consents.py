"""Numbers that a workspace lacks because the terms of a platform demand a consent: derived totals, or all numbers.

In a workspace with accounts of several platforms, such a platform takes part in `totalEngagement` and `engagementRate`
only if the workspace's consent is stored. The numbers of the platform alone are not affected. Of other platforms,
nothing at all is stored without a consent.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

from metrics.aggregation.post_parts import PostPart
from metrics.aggregation.totals import offered_totals
from metrics.documents import AggregatedDocument, Platform
from metrics.expected import Connection

DERIVED = ("engagementRate", "totalEngagement")
"""Totals that mix the numbers of several platforms into one."""
_OF_ACCOUNTS = (*DERIVED, "engagementRateParts")


def left_out(accounts: Iterable[Connection], without_consent: Collection[Platform]) -> frozenset[Platform]:
    """Return the platforms that totals over these accounts leave out: none if the accounts are of one platform."""
    platforms = frozenset(account.platform for account in accounts)
    return platforms & frozenset(without_consent) if len(platforms) > 1 else frozenset()


def without_derived(
    documents: Mapping[str, AggregatedDocument], platforms: Collection[Platform]
) -> dict[str, AggregatedDocument]:
    """Return the documents of accounts, those of some platforms without what the totals in `DERIVED` are made of."""
    return {name: _stripped(one) if one["platform"] in platforms else one for name, one in documents.items()}


def _stripped(document: AggregatedDocument) -> AggregatedDocument:
    kept = {name: value for name, value in document["aggregatedMetrics"].items() if name not in _OF_ACCOUNTS}
    return cast("AggregatedDocument", {**document, "aggregatedMetrics": kept})


def note_left_out(total: dict[str, Any], accounts: Iterable[Connection], platforms: Collection[Platform]) -> None:
    """Add to the totals of a workspace which platforms they leave out, and why."""
    theirs = {account.account_id for account in accounts if account.platform in platforms}
    total["withheld"] = {"metrics": list(DERIVED), "platforms": sorted(platforms), "reason": "terms"}
    for name in DERIVED:
        if name not in total["metrics"]:
            total["unavailable"][name] = "terms"
        if lacking := [one for one in total["missing"].pop(name, ()) if one not in theirs]:
            total["missing"][name] = lacking


def note_not_stored(
    total: dict[str, Any],
    accounts: Iterable[Connection],
    is_stored: Callable[[Connection], bool],
    part: PostPart | None = None,
) -> None:
    """Name the terms as the reason for the totals that only accounts of which nothing may be stored could have.

    `is_stored` tells whether the terms allow to store anything of an account in the period of the total.
    """
    accounts = list(accounts)
    if all(map(is_stored, accounts)):
        return
    others = {account.platform for account in accounts if is_stored(account)}
    possible = {name for platform in others for name in offered_totals(platform, part)}
    for name, reason in total["unavailable"].items():
        if reason == "no_observation" and name not in possible:
            total["unavailable"][name] = "terms"
