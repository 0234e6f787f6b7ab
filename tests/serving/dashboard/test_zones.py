"""The dashboard of a workspace in another time zone shows that zone's days and times."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from metrics.calendars import Calendar
from metrics.clock import utcnow
from metrics.documents import AccountDocument, CollectionDocument, Observation
from metrics.periods import DAY, HOUR, midnight, slot_of
from metrics.store import Store
from metrics.store.collections import record_id
from pipelines.rollup import roll
from tests.serving.dashboard.stage import Look, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WORKSPACE = "overseas"


def observed_for_three_days(store: Store, zone: str, now: datetime) -> None:
    """Write an account whose followers grow by one an hour, with the rollups of the zone's days."""
    account: AccountDocument = {
        "_id": "acc_overseas", "workspaceId": WORKSPACE, "platform": "instagram", "platformAccountId": "77",
        "handle": "overseas", "state": "active", "connectedAt": now - timedelta(days=4),
    }  # fmt: skip
    newest = slot_of(now) - HOUR
    record: CollectionDocument = {
        "_id": record_id("acc_overseas", newest), "workspaceId": WORKSPACE, "accountId": "acc_overseas",
        "platform": "instagram", "slot": newest, "state": "collected", "finishedAt": newest + HOUR, "runId": "r",
        "observations": 1, "calls": 1,
    }  # fmt: skip
    store.accounts.put([account])
    store.collections.put([record])
    store.observations.append(
        Observation(WORKSPACE, "acc_overseas", "instagram", "account", at, at + HOUR, {"followers": 172 - n}, "r", "v1")
        for n, at in enumerate(newest - n * HOUR for n in range(72))
    )
    calendar = store.calendars.prepare(WORKSPACE, Calendar(zone))
    assert store.calendars.switch(WORKSPACE, calendar, [])
    today = midnight(now.astimezone(ZoneInfo(zone)).date())
    roll(store, "daily", [today - n * DAY for n in range(3)], run_id="r", workspace_ids=[WORKSPACE], now=now)


def test_days_and_times_are_those_of_the_workspace(look: Look, stage: Stage) -> None:
    now = utcnow()
    # In one of these zones the date is never that of UTC.
    zone, name = ("Pacific/Kiritimati", "GMT+14") if now.hour >= 11 else ("Pacific/Pago_Pago", "GMT-11")
    observed_for_three_days(stage.store, zone, now)
    page = look.open(WORKSPACE)
    today = now.astimezone(ZoneInfo(zone)).date()
    expect(page.locator("#span")).to_contain_text(f"14 whole days in {zone}")
    expect(page.locator("#to")).to_have_value(str(today - DAY))
    expect(page.locator("#to")).to_have_attribute("max", str(today))
    expect(page.locator("#today")).to_contain_text("172")
    expect(page.locator("#accounts")).to_contain_text(name)
    page.click("#details-followers summary")
    expect(page.locator("#table-followers")).to_contain_text(f"Period ({zone})")
    expect(page.locator("#table-followers tbody tr").first).to_contain_text(f"{today:%-d %b}")
    expect(page.locator("footer")).to_contain_text(f"Days and times are those of {zone}.")
    assert look.errors == []
    look.keep("zone")
