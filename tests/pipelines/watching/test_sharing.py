"""Workspaces that watch the same account cost one reading where that is allowed, and none learns of another."""

import json
from typing import Any

import pytest

from metrics.documents import Document, Platform
from metrics.periods import DAY
from metrics.platforms.registry import FACTS
from metrics.store.setup.namespaces import PUBLIC
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from tests.pipelines.watching.days import FIRST, NOW, Days, later

SHARED = [platform for platform in PUBLIC_PLATFORMS if FACTS[platform].public_numbers.shared]  # type: ignore[union-attr]


def test_three_platforms_are_shared() -> None:
    assert SHARED == ["twitter", "youtube", "bluesky"]


@pytest.mark.parametrize("platform", PUBLIC_PLATFORMS)
def test_one_reading_serves_all_workspaces_only_where_it_may(days: Days, platform: Platform) -> None:
    for workspace in ("a", "b"):
        days.connect(platform, workspace=workspace)
        days.watch(platform, FIRST, workspace)
    days.watch(platform, FIRST + 1, "b")
    report = days.read(platform)
    assert (report.read, report.reads) == (3, 2 if platform in SHARED else 3)
    if platform == "twitter":
        bill = days.simulator.client.get("/_control/bill").json()["twitter"]
        assert bill["usd"] == pytest.approx(report.usd)
        assert bill["user"] == 2


_INSTANTS = ("touched", "touchedAt", "since")
"""When marks were made."""


def everything(days: Days, workspace: str) -> dict[str, Any]:
    """All that a workspace has of its watched accounts, without names that are random or those of the workspace."""

    def plain(row: Document) -> str:
        if "metrics" in row:
            # The simulator's clock runs, so that a value may be newer by a second.
            row["metrics"] = sorted(row["metrics"])
        text = {name: value for name, value in row.items() if name not in ("_id", "runId", "finishedAt", "collectedAt")}
        return (
            json.dumps(text, sort_keys=True, default=str)
            .replace(f'"{workspace}"', '"_"')
            .replace(f"{workspace}|", "_|")
        )

    found = {}
    for name in (PUBLIC.accounts, PUBLIC.posts, PUBLIC.collections, PUBLIC.roll_marks, "reading_memory"):
        rows = days.store.db[name].find({"workspaceId": workspace}, dict.fromkeys(_INSTANTS, 0))
        found[name] = sorted(plain(row) for row in rows)
    rows = days.store.db[PUBLIC.log].find({"metadata.workspaceId": workspace})
    found[PUBLIC.log] = sorted(plain(row) for row in rows)
    return found


@pytest.mark.parametrize("platform", SHARED)
def test_workspace_has_the_same_data_whether_another_one_watches_the_account_or_not(
    days: Days, platform: Platform
) -> None:
    """Workspace `b` begins two days later than `a`, whose readings know more posts, and is compared with one alone."""
    dates = [NOW, later(1), later(2), later(3), later(9)]

    def run(*workspaces: str) -> dict[str, Any]:
        for now in dates:
            for workspace in workspaces:
                if workspace == "a" or now >= later(2):
                    days.watch(platform, FIRST, workspace, at=now)
            days.read(platform, now)
        return everything(days, "b")

    together = run("a", "b")
    for name in (PUBLIC.accounts, PUBLIC.posts, PUBLIC.collections, PUBLIC.roll_marks, PUBLIC.log, "reading_memory"):
        days.store.db[name].delete_many({})
    days.redis.flushall()
    alone = run("b")
    for name, rows in alone.items():
        assert together[name] == rows, name
    assert len(alone[PUBLIC.log]) > len(dates)


def test_switched_off_in_one_workspace_is_still_read_for_the_other(days: Days) -> None:
    first, second = (days.watch("youtube", FIRST, workspace) for workspace in ("a", "b"))
    days.store.watch_lists.switch("a", "youtube", on=False)
    report = days.read("youtube", NOW + DAY)
    assert (report.due, report.read) == (1, 1)
    assert not days.rows(first)
    assert days.rows(second)
