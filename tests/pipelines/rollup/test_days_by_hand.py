"""Days around changes of clocks, with their hours, sums and starts worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from metrics.calendars import Calendar
from metrics.documents import AccountDocument, Observation
from metrics.periods import DAY, HOUR, midnight
from metrics.store import Store
from pipelines.rollup import roll

NEW_YORK, BERLIN, LORD_HOWE = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"
KATHMANDU, APIA = "Asia/Kathmandu", "Pacific/Apia"
DAYS = {
    # Clocks go forward at 2:00 on 8 March, and back at 2:00 on 1 November.
    (NEW_YORK, "2026-03-07"): ("2026-03-07T05", 24), (NEW_YORK, "2026-03-08"): ("2026-03-08T05", 23),
    (NEW_YORK, "2026-03-09"): ("2026-03-09T04", 24), (NEW_YORK, "2026-10-31"): ("2026-10-31T04", 24),
    (NEW_YORK, "2026-11-01"): ("2026-11-01T04", 25), (NEW_YORK, "2026-11-02"): ("2026-11-02T05", 24),
    (BERLIN, "2026-03-29"): ("2026-03-28T23", 23), (BERLIN, "2026-03-30"): ("2026-03-29T22", 24),
    (BERLIN, "2026-10-25"): ("2026-10-24T22", 25), (BERLIN, "2026-10-26"): ("2026-10-25T23", 24),
    # Half an hour: in summer midnight is at 13:00 UTC, in winter at 13:30; the day then begins with the slot of 14:00.
    (LORD_HOWE, "2026-04-04"): ("2026-04-03T13", 24), (LORD_HOWE, "2026-04-05"): ("2026-04-04T13", 25),
    (LORD_HOWE, "2026-04-06"): ("2026-04-05T14", 24), (LORD_HOWE, "2026-10-03"): ("2026-10-02T14", 24),
    (LORD_HOWE, "2026-10-04"): ("2026-10-03T14", 23), (LORD_HOWE, "2026-10-05"): ("2026-10-04T13", 24),
    # Midnight is at 18:15 UTC all the year.
    (KATHMANDU, "2026-03-29"): ("2026-03-28T19", 24), (KATHMANDU, "2026-10-25"): ("2026-10-24T19", 24),
    # Samoa moved to the other side of the date line: 29 December was followed by 31 December.
    (APIA, "2011-12-28"): ("2011-12-28T10", 24), (APIA, "2011-12-29"): ("2011-12-29T10", 24),
    (APIA, "2011-12-30"): None, (APIA, "2011-12-31"): ("2011-12-30T10", 24),
    (APIA, "2012-01-01"): ("2011-12-31T10", 24),
}  # fmt: skip
"""By zone and date: the first slot and the number of hours, None for a date that there was not."""


@pytest.mark.parametrize("zone", sorted({zone for zone, _ in DAYS}))
def test_days_have_the_hours_and_the_sums_that_were_worked_out_by_hand(store: Store, zone: str) -> None:
    calendar = store.calendars.prepare("w", Calendar(zone))
    assert store.calendars.switch("w", calendar, [])
    chosen = {date: expected for (of, date), expected in DAYS.items() if of == zone}
    starts = [midnight(datetime.fromisoformat(date).date()) for date in chosen]
    account: AccountDocument = {
        "_id": "a", "workspaceId": "w", "platform": "instagram", "platformAccountId": "1", "handle": "a",
        "state": "active", "connectedAt": min(starts) - 9 * DAY,
    }  # fmt: skip
    store.accounts.put([account])
    # One follower more in every hour; only the days around the chosen ones are observed.
    slots = sorted({start + n * HOUR for start in starts for n in range(-48, 49)})
    count = {slot: (slot - slots[0]) // HOUR for slot in slots}
    store.observations.append(
        Observation("w", "a", "instagram", "account", at, at + HOUR, {"followers": n}, "r", "v1")
        for at, n in count.items()
    )
    roll(store, "daily", starts, run_id="r", now=max(starts) + 3 * DAY)
    found = {
        row["periodLabel"]: (row["periodStart"], row["aggregatedMetrics"]["followerGrowth"], row["coverage"])
        for row in store.rollups.accounts.find({"period": "daily"})
    }
    expected = {}
    for date, day in chosen.items():
        if day is not None:
            start = datetime.fromisoformat(f"{day[0]}:00:00").replace(tzinfo=UTC)
            expected[date] = (start, day[1], {"expectedSlots": day[1], "observedSlots": day[1]})
    assert found == expected


def test_days_of_a_week_in_which_clocks_change_add_up_to_it(store: Store) -> None:
    calendar = store.calendars.prepare("w", Calendar(NEW_YORK))
    assert store.calendars.switch("w", calendar, [])
    first = datetime(2026, 10, 26, tzinfo=UTC)
    account: AccountDocument = {
        "_id": "a", "workspaceId": "w", "platform": "instagram", "platformAccountId": "1", "handle": "a",
        "state": "active", "connectedAt": first - 9 * DAY,
    }  # fmt: skip
    store.accounts.put([account])
    slots = [first - DAY + n * HOUR for n in range(10 * 24)]
    store.observations.append(
        Observation("w", "a", "instagram", "account", at, at + HOUR, {"followers": n}, "r", "v1")
        for n, at in enumerate(slots)
    )
    now = first + timedelta(days=9)
    roll(store, "daily", [first + n * DAY for n in range(7)], run_id="r", now=now)
    roll(store, "weekly", [first], run_id="r", now=now)
    growth = {row["period"]: 0 for row in store.rollups.accounts.find()}
    for row in store.rollups.accounts.find():
        growth[row["period"]] += row["aggregatedMetrics"]["followerGrowth"]
    # Seven days, one of which has an hour more.
    assert growth == {"daily": 7 * 24 + 1, "weekly": 7 * 24 + 1}
