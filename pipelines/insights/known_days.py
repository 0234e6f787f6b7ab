"""Known days: holidays of a workspace's country and its campaigns, which are named and kept out of what is usual.

What is known follows from the country, the campaigns, and the pinned version of the library `holidays`: the same
settings give the same days.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from metrics.anomalies import KnownDay
from metrics.store import Store
from metrics.store.workspace.campaigns import CampaignDocument

Bools = NDArray[np.bool_]

RECENT_DAYS = 28
MOST_KNOWN = 14
"""A known day is kept out as long as at most this many of the `RECENT_DAYS` days up to it are known.

What lasts longer is what is usual meanwhile: otherwise a long campaign would leave nothing to compare with.
"""


@dataclass(frozen=True, slots=True)
class KnownRange:
    """Days, both bounds included, and how they are named; `account_ids` is None where they are of all accounts."""

    first: date
    last: date
    said: KnownDay
    account_ids: frozenset[str] | None = None

    def takes(self, account_id: str | None) -> bool:
        """Tell whether the days are known ones of an account; None stands for a whole platform."""
        return self.account_ids is None or account_id in self.account_ids


@dataclass(frozen=True, slots=True)
class KnownDays:
    """The known days of a workspace in some months; holidays are first, each kind is in order of time."""

    ranges: Sequence[KnownRange] = ()

    def named(self, first: date, last: date, account_id: str | None = None) -> list[KnownDay]:
        """Return what is known of the days from `first` to `last` of an account, or of a whole platform."""
        return [one.said for one in self.ranges if one.first <= last and one.last >= first and one.takes(account_id)]

    def left_out(self, account_id: str, first: date, days: int) -> Bools:
        """Return for each of some consecutive days whether it is kept out of what is usual for an account.

        This follows from the known days up to the day itself: a later one changes nothing.
        """
        before = RECENT_DAYS - 1
        known = np.zeros(before + days, dtype=np.bool_)
        begin = first - timedelta(days=before)
        for one in self.ranges:
            if one.takes(account_id):
                known[max((one.first - begin).days, 0) : max((one.last - begin).days + 1, 0)] = True
        sums = np.concatenate([[0], np.cumsum(known)])
        recent = sums[RECENT_DAYS:] - sums[:days]
        kept_out: Bools = known[before:] & (recent <= MOST_KNOWN)
        return kept_out


def known_days(store: Store, workspace_id: str, first: date, last: date) -> KnownDays:
    """Return the known days of a workspace from `first` to `last`.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    country = store.calendars.country(workspace_id)
    found = list(_of_country(country, first, last)) if country is not None else []
    campaigns = [
        one
        for one in store.campaigns.all(workspace_id)
        if one["startDate"] <= last.isoformat() and one["endDate"] >= first.isoformat()
    ]
    for one in sorted(campaigns, key=lambda campaign: (campaign["startDate"], campaign["name"])):
        said: KnownDay = {
            "kind": "campaign",
            "name": one["name"],
            "title": one["title"],
            "startDate": one["startDate"],
            "endDate": one["endDate"],
        }
        begins, ends = date.fromisoformat(one["startDate"]), date.fromisoformat(one["endDate"])
        found.append(KnownRange(begins, ends, said, _accounts(store, one)))
    return KnownDays(found)


def _accounts(store: Store, campaign: CampaignDocument) -> frozenset[str] | None:
    """Return the accounts of a campaign; None for all of the workspace, as for a tag, which any post may have."""
    if "accountIds" in campaign:
        return frozenset(campaign["accountIds"])
    if "tag" in campaign or "postIds" not in campaign:
        return None
    return frozenset(post["accountId"] for post in store.posts.of_ids(campaign["postIds"]))


def _of_country(country: str, first: date, last: date) -> Iterator[KnownRange]:
    for year in range(first.year, last.year + 1):
        for day, title in sorted(holidays_of(country, year).items()):
            if first <= day <= last:
                text = day.isoformat()
                yield KnownRange(day, day, {"kind": "holiday", "title": title, "startDate": text, "endDate": text})


@lru_cache(maxsize=1000)
def holidays_of(country: str, year: int) -> Mapping[date, str]:
    """Return the public holidays of a whole country in a year with their names, in English where the library has them.

    Holidays of a region alone are left out. Dates that are not announced yet are estimated, and their names say so.
    """
    # Only the run that finds anomalies needs the library, and only where a workspace has a country.
    import holidays

    languages = holidays.list_localized_countries(include_aliases=False).get(country, ())
    english = next((one for one in languages if one.startswith("en")), None)
    found = holidays.country_holidays(country, years=year, language=english)
    return {day: "; ".join(found.get_list(day)) for day in found if day.year == year}
