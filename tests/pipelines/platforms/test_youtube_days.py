"""Tests of the days of a YouTube channel, which the Analytics API has."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from metrics.catalog import offered
from pipelines.platforms.http import retries
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.youtube.days import Days, rows_by_day
from pipelines.platforms.youtube.reports import METRIC
from simulator.youtube.analytics import reported
from tests.pipelines.platforms.fetching import Fetching
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

CHANNEL_ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "youtube")


def test_days_equal_what_youtube_reports(fetching: Fetching) -> None:
    days = [(fetching.now - timedelta(days=back)).date() for back in range(5, 25)]
    found = fetching.api.read_days(fetching.access, days, fetching.tally).days
    offers, world = offered("youtube", "account"), fetching.simulator.world
    names = [name for name in offers if name not in ("followers", "posts", METRIC)]
    assert len(names) == 8
    for day in days:
        for name in names:
            assert found[day].metrics[name] == reported(
                world, fetching.account, offers[name].field, day, fetching.now
            ), (day, name)
    assert fetching.tally.requests == 3


def test_negative_day_stays_negative(fetching: Fetching) -> None:
    world = fetching.simulator.world
    newest = (fetching.now - timedelta(days=12)).date()
    index, day = next(
        (index, newest - timedelta(days=back))
        for index in range(200)
        for back in range(30)
        if world.platforms["youtube"].days["views"](
            world, world.account("youtube", index), newest - timedelta(days=back)
        )
        < 0
    )
    fetching.be(index)
    assert fetching.api.read_days(fetching.access, [day], fetching.tally).days[day].metrics["accountViews"] < 0


def test_slow_metric_takes_no_days_from_the_others(fetching: Fetching) -> None:
    day = (fetching.now - timedelta(days=3)).date()
    found = fetching.api.read_days(fetching.access, [day], fetching.tally).days[day]
    # Views are complete 48 hours after the end of the day in California, subscribers 72 hours after it.
    assert "accountViews" in found.metrics
    assert found.unavailable["newFollowers"] == "not_yet_available"


def test_metric_that_youtube_refuses_is_dropped_and_remembered(fetching: Fetching) -> None:
    days = [(fetching.now - timedelta(days=back)).date() for back in (6, 7)]
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "engagedViews"})
    found = fetching.api.read_days(fetching.access, days, fetching.tally)
    assert {one.unavailable["accountEngagedViews"] for one in found.days.values()} == {"metric_retired"}
    assert all("accountViews" in one.metrics and "accountWatchTime" in one.metrics for one in found.days.values())
    assert not found.failures


def test_days_without_the_scope_are_missing(fetching: Fetching) -> None:
    day = (fetching.now - timedelta(days=6)).date()
    fetching.simulator.set_faults({"kind": "permission", "path": "reports"})
    found = fetching.api.read_days(fetching.access, [day], fetching.tally).days[day]
    assert set(found.unavailable.values()) == {"permission_missing"}


def test_engaged_views_go_on_where_views_changed_their_meaning(fetching: Fetching) -> None:
    world, account = fetching.simulator.world, fetching.account
    kinds = world.platforms["youtube"].days
    for change in (date(2025, 3, 31), date(2026, 8, 24)):
        days = [change + timedelta(days=n) for n in range(-10, 10)]
        ratio = [kinds["views"](world, account, day) / kinds["engagedViews"](world, account, day) for day in days]
        assert sum(ratio[10:]) > sum(ratio[:10]) * 1.1
    views = offered("youtube", "account")["accountViews"]
    assert (
        views.changed == offered("youtube", "post", "video")["views"].changed == (date(2025, 3, 31), date(2026, 8, 24))
    )
    assert not offered("youtube", "account")["accountEngagedViews"].changed


def test_recorded_report_is_read_by_the_names_of_its_columns(fixtures: Path) -> None:
    body = recorded(fixtures, "youtube/analytix_day_four_metrics")
    rows = rows_by_day(body, ("comments", "views"))
    assert rows[date(2022, 6, 23)] == {"comments": 15, "views": 5107}
    assert len(rows) == 7


def test_report_without_rows_says_that_nothing_is_complete_yet() -> None:
    body = {
        "kind": "youtubeAnalytics#resultTable",
        "columnHeaders": [{"name": name} for name in ("day", "views", "engagedViews", "estimatedMinutesWatched")],
    }
    found = {date(2026, 11, 27): Numbers()}
    reader = Days(lambda _: body, CHANNEL_ID, Quarantine(), found)
    reader._take({"accountViews": "views"})
    assert found[date(2026, 11, 27)].unavailable == {"accountViews": "not_yet_available"}
