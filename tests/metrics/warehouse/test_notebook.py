"""The notebook `examples/analysis.ipynb` runs, and each of its answers is what the API answers from."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from redis import Redis

from metrics.documents import AggregatedDocument, ContentType, Document, Observation, PostDocument
from metrics.settings import Settings
from metrics.store import Store
from tests.metrics.warehouse.destinations import NOON
from tests.metrics.warehouse.test_loader import ALL_TIME, add, load_marked
from tests.pipelines.rollup.worlds import World, account

NOTEBOOK = Path(__file__).parents[3] / "examples" / "analysis.ipynb"
CONNECTED = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = range(5, 13)
W = "w"


def code() -> list[str]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def post(name: str, owner: str, kind: ContentType, day: int) -> PostDocument:
    return {
        "_id": name, "workspaceId": W, "accountId": owner, "platform": "instagram", "platformPostId": f"on-{name}",
        "metricType": "post", "contentType": kind, "publishedAt": CONNECTED.replace(day=day),
    }  # fmt: skip


def observations(posts: list[PostDocument]) -> Iterator[Observation]:
    for day in DAYS:
        at = CONNECTED.replace(day=day, hour=7)
        for number, name in enumerate(("a1", "a2")):
            if (name, day) != ("a2", 8):
                followers = {"followers": 100 * (number + 1) + day}
                yield Observation(W, name, "instagram", "account", at, at, followers, "r", "v")
        for number, one in enumerate(posts):
            if one["publishedAt"] <= at:
                counters = {
                    "likes": day * (number + 1),
                    "comments": day,
                    "shares": 1,
                    "saves": number,
                    "views": 9 * day,
                }
                yield Observation(
                    W, one["accountId"], "instagram", "post", at, at, counters, "r", "v", post_id=one["_id"],
                    platform_post_id=one["platformPostId"], content_type=one["contentType"],
                )  # fmt: skip


@pytest.fixture
def answers(
    store: Store, settings: Settings, redis_client: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[int, list[dict[str, Any]]]:
    """The rows of each answer, by the number of its question."""
    forever = settings.model_copy(update={"retention_days": 20_000, "rollup_retention_days": 20_000})
    posts = [post("p1", "a1", "image", 4), post("p2", "a1", "video", 6), post("p3", "a2", "video", 9)]
    connected = [account(name, W, "instagram", CONNECTED) for name in ("a1", "a2")]
    world, warehouse = World(W, connected, posts, [], CONNECTED, NOON), add(store, tmp_path)
    world.write(store, list(observations(posts)))
    world.roll_marked(store)
    load_marked(store, forever, redis_client, warehouse)
    monkeypatch.setenv("TIDEMARK_WAREHOUSE", warehouse["options"]["path"])
    names: dict[str, Any] = {}
    for cell in code():
        exec(compile(cell, str(NOTEBOOK), "exec"), names)
    return {number: names[f"answer_{number}"].to_dict("records") for number in range(1, 11)}


def known(value: Any) -> Any:
    """Return a number of a data frame, None for what pandas has for NULL."""
    return None if value is None or value != value else value


# DuckDB drops a column of a data frame in a way that pandas will no longer have.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_every_answer_is_that_of_the_rollups(store: Store, answers: dict[int, list[dict[str, Any]]]) -> None:
    days = list(store.rollups.aggregated(W, "daily", *ALL_TIME))
    posts = list(store.rollups.stream_posts(W, "daily", *ALL_TIME))
    assert len(days) > 10
    assert len(posts) > 10
    about_accounts(answers, days)
    about_posts(answers, posts)


def about_accounts(answers: dict[int, list[dict[str, Any]]], days: list[AggregatedDocument]) -> None:
    of: dict[str, list[AggregatedDocument]] = defaultdict(list)
    for one in sorted(days, key=lambda one: one["periodStart"]):
        of[one["accountId"]].append(one)
    assert [(one["account_id"], one["days"], one["last_day"].date()) for one in answers[1]] == [
        (name, len(rows), rows[-1]["periodStart"].date()) for name, rows in sorted(of.items())
    ]
    assert [(one["account_id"], known(one["followers"]), known(one["gained"])) for one in answers[2]] == [
        (name, values(rows, "followers")[-1], sum(values(rows, "followerGrowth"))) for name, rows in sorted(of.items())
    ]
    weeks: Counter[str] = Counter()
    for one in days:
        weeks[f"{one['periodStart']:%G-W%V}"] += one["aggregatedMetrics"].get("totalEngagement", 0)
    assert {one["week"]: known(one["engagement"]) or 0 for one in answers[3]} == dict(weeks)
    parts = [one["aggregatedMetrics"]["engagementRateParts"] for one in days if rated(one)]
    rate = 100 * sum(one["engagement"] for one in parts) / sum(one["basis"] for one in parts)
    assert [one["engagement_rate"] for one in answers[4]] == [pytest.approx(rate)]
    reasons = Counter(item for one in days for item in one["unavailable"].items())
    assert {(one["name"], one["reason"]): one["days"] for one in answers[9]} == dict(reasons)
    assert [(one["account_id"], one["date"].date(), one["observed_slots"]) for one in answers[10]] == [
        (one["accountId"], one["periodStart"].date(), one["coverage"]["observedSlots"])
        for one in sorted(days, key=lambda one: (one["accountId"], one["periodStart"]))
        if one["status"] != "complete"
    ]


def rated(one: AggregatedDocument) -> bool:
    metrics = one["aggregatedMetrics"]
    return "engagementRateParts" in metrics and metrics["engagementRateBasis"] != "followers"


def values(rows: list[AggregatedDocument], name: str) -> list[int]:
    return [one["aggregatedMetrics"][name] for one in rows if name in one["aggregatedMetrics"]]


def about_posts(answers: dict[int, list[dict[str, Any]]], posts: list[Document]) -> None:
    latest: dict[str, Document] = {}
    weekdays: Counter[int] = Counter()
    ages: Counter[timedelta] = Counter()
    for one in sorted(posts, key=lambda one: one["periodStart"]):
        latest[one["postId"]] = one
        likes = one["metrics"].get("likes", {})
        weekdays[one["periodStart"].isoweekday()] += likes.get("net") or 0
        if "net" in likes and not likes.get("baseline"):
            ages[one["periodStart"] - published(one)] += likes["net"]
    newest = {name: one["metrics"]["likes"]["close"] for name, one in latest.items()}
    assert [(one["post_id"], one["likes"]) for one in answers[5]] == sorted(
        newest.items(), key=lambda pair: (-pair[1], pair[0])
    )
    assert {one["day_of_week"]: known(one["likes_gained"]) or 0 for one in answers[6]} == dict(weekdays)
    by_type: dict[str, list[int]] = defaultdict(list)
    for name, one in latest.items():
        by_type[one["contentType"]].append(newest[name])
    assert {one["content_type"]: one["median_likes"] for one in answers[7]} == {
        kind: median(found) for kind, found in by_type.items()
    }
    assert {one["age_days"]: known(one["likes_gained"]) for one in answers[8]} == {
        age.days: gained for age, gained in ages.items()
    }


def published(one: Document) -> datetime:
    return CONNECTED.replace(day={"p1": 4, "p2": 6, "p3": 9}[one["postId"]])


def test_the_notebook_is_kept_without_what_it_printed() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells if "outputs" in cell)
    assert sum(cell["cell_type"] == "markdown" and "".join(cell["source"]).startswith("## ") for cell in cells) == 10
