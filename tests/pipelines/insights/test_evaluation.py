"""How often statements were right: counted again by plain loops that share no code with the source."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import exp, expm1, log, log1p
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metrics.catalog import DEFINITION_VERSION as DEFINITION
from metrics.periods import DAY, HOUR, midnight
from metrics.store import Store
from pipelines.insights.evaluation.evaluate import Evaluation, evaluate
from tests.pipelines.insights.forecasts.days import roll_days
from tests.pipelines.insights.forecasts.hours import put_hours
from tests.pipelines.insights.posts.published import connect
from tests.serving.endpoints.stored_anomalies import put_anomaly

LAST = date(2026, 3, 30)
NOW = midnight(LAST) + timedelta(hours=30)
SINCE = midnight(date(2026, 1, 15))
POINTS = (0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0)


def found(store: Store, *names: str, since: datetime = SINCE) -> Evaluation:
    return evaluate(store, names or ("w",), since, NOW)


def say(store: Store, account_id: str, metric: str, day: date, seed: int, **fields: Any) -> dict[str, Any]:
    """Store what is said of a series at the end of a day, of some length and width."""
    random = np.random.default_rng(seed)
    days = int(random.choice([7, 28]))
    values = random.gamma(4, 30, days)
    document: dict[str, Any] = {
        "_id": f"{account_id}|{metric}|{day}", "workspaceId": "w", "accountId": account_id, "platform": "instagram",
        "metric": metric, "day": midnight(day), "madeAt": midnight(day) + timedelta(hours=30), "model": "forecast/1",
        "runId": "r", "origin": (day - timedelta(days=int(random.integers(0, 2)))).isoformat(), "scale": 12.5,
        "values": values.tolist(), **fields,
    }  # fmt: skip
    for name, width in (("80", 40), ("95", 75)):
        document |= {f"lo{name}": (values - width).tolist(), f"hi{name}": (values + width).tolist()}
    store.db["forecasts"].insert_one(document)
    return document


def bucket(ahead: int) -> str:
    return next(name for name, last in (("1", 1), ("2-3", 3), ("4-7", 7), ("8-15", 15), ("16-28", 28)) if ahead <= last)


def counted(said: list[dict[str, Any]], values: dict[tuple[str, str], dict[date, float]]) -> list[dict[str, Any]]:
    """Judge forecasts pair by pair."""
    pairs = defaultdict(list)
    for one in said:
        known = values[one["accountId"], one["metric"]]
        origin = date.fromisoformat(one["origin"])
        for ahead in range(1, len(one["values"]) + 1):
            day = origin + timedelta(days=ahead)
            if day not in known or day < SINCE.date() or one["madeAt"] >= midnight(day) + DAY or "hindcast" in one:
                continue
            weeks = [day - timedelta(days=7 * back) for back in range(1, 9)]
            before = [known[one] for one in weeks if one in known and origin - timedelta(days=28) < one <= origin]
            pairs[one["metric"], bucket(ahead)].append(
                (known[day], *(one[name][ahead - 1] for name in ("values", "lo80", "hi80", "lo95", "hi95")), before[:1])
            )
    rows = []
    for (metric, name), of_bucket in pairs.items():
        compared = [(one[0], one[1], one[6][0]) for one in of_bucket if one[6]]
        error = statistics.fmean(abs(value - told) / 12.5 for value, told, _ in compared)
        naive = statistics.fmean(abs(value - before) / 12.5 for value, _, before in compared)
        rows.append({
            "metric": metric, "ahead": name, "points": len(of_bucket),
            "inside80": sum(one[2] <= one[0] <= one[3] for one in of_bucket) / len(of_bucket),
            "inside95": sum(one[4] <= one[0] <= one[5] for one in of_bucket) / len(of_bucket),
            "error": error, "naive": naive, "skill": 1 - error / naive,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["metric"] != "followers", row["metric"], int(row["ahead"].split("-")[0])))


def test_forecasts_are_counted_by_metric_and_days_ahead(store: Store) -> None:
    values: dict[tuple[str, str], dict[date, float]] = {}
    for number, name in enumerate(("a0", "a1")):
        connect(store, name, NOW)
        random = np.random.default_rng(number)
        of_metric = {metric: random.gamma(4, 30, 100) for metric in ("followers", "totalEngagement")}
        roll_days(store, name, LAST, {metric: of.tolist() for metric, of in of_metric.items()})
        gaps = {date(2026, 2, 3), date(2026, 2, 10), date(2026, 3, 1), *(date(2026, 3, 5 + n) for n in range(5))}
        store.rollups.accounts.delete_many({"accountId": name, "periodStart": {"$in": list(map(midnight, gaps))}})
        for metric, of in of_metric.items():
            days = {LAST - timedelta(days=back): float(of[-1 - back]) for back in range(100)}
            values[name, metric] = {day: value for day, value in days.items() if day not in gaps}
    said = []
    for seed in range(120):
        name, metric = f"a{seed % 2}", ("followers", "totalEngagement")[seed // 2 % 2]
        late: dict[str, Any] = {"hindcast": True} if seed % 17 == 0 else {}
        if seed % 13 == 0:
            late["madeAt"] = midnight(date(2026, 1, 8)) + timedelta(days=seed // 2 + 3, hours=2)
        said.append(say(store, name, metric, date(2026, 1, 1) + timedelta(days=seed // 2), seed, **late))
    refused = {"_id": "x", "accountId": "a0", "workspaceId": "w", "metric": "reach", "unavailable": "too_short"}
    store.db["forecasts"].insert_one({**refused, "day": SINCE, "madeAt": SINCE, "model": "forecast/1"})
    rows = found(store)["forecasts"]
    assert [dict(row) for row in rows] == [pytest.approx(row, abs=1e-4) for row in counted(said, values)]
    assert len(rows) == 10
    assert sum(row["points"] for row in rows) > 1000
    assert "forecasts" not in found(store)["unavailable"]


def test_forecasts_of_hours_are_counted_by_metric_and_hours_ahead(store: Store) -> None:
    connect(store, "a0", NOW)
    random = np.random.default_rng(7)
    end, since = midnight(LAST) + DAY, midnight(LAST) - 9 * DAY
    known, of_metric = dict[str, dict[datetime, float]](), dict[str, list[float | None]]()
    for metric in ("followers", "totalEngagement"):
        values: list[float | None] = random.gamma(4, 30, 60 * 24).tolist()
        for hole in (1, 150, *range(200, 240), 700):
            values[-hole] = None
        known[metric] = {
            end - (60 * 24 - place) * HOUR: one for place, one in enumerate(values) if one is not None
        }  # fmt: skip
        of_metric[metric] = values
    put_hours(store, "a0", end, of_metric, definitionVersion=DEFINITION)
    pairs = defaultdict(list)
    for seed in range(60):
        metric, window = ("followers", "totalEngagement")[seed % 2], since - 3 * DAY + seed // 2 * 6 * HOUR
        origin, said = window + (5 - seed % 3) * HOUR, random.gamma(4, 30, 48)
        late = {"hindcast": True} if seed % 11 == 0 else {}
        made = window + (6 if seed % 7 else 20) * HOUR
        bounds = {f"{side}{name}": (said + sign * width).tolist()
                  for name, width in (("80", 40), ("95", 75)) for side, sign in (("lo", -1), ("hi", 1))}  # fmt: skip
        store.db["hourly_forecasts"].insert_one({
            "_id": f"a0|{metric}|{seed}", "workspaceId": "w", "accountId": "a0", "metric": metric, "window": window,
            "origin": origin, "madeAt": made, "model": "hourly_forecast/1", "scale": 12.5, "values": said.tolist(),
            **bounds, **late,
        })  # fmt: skip
        for ahead in range(1, 49):
            at = origin + ahead * HOUR
            if late or at not in known[metric] or at < since or made >= at + HOUR:
                continue
            weeks = [at - n * 7 * DAY for n in range(1, 6)]
            before = [known[metric][one] for one in weeks if one <= origin and one in known[metric]
                      and one > origin - 28 * DAY]  # fmt: skip
            name = next(
                name for name, last in (("1-6", 6), ("7-12", 12), ("13-24", 24), ("25-48", 48)) if ahead <= last
            )
            value = known[metric][at]
            pairs[metric, name].append((
                bounds["lo80"][ahead - 1] <= value <= bounds["hi80"][ahead - 1],
                bounds["lo95"][ahead - 1] <= value <= bounds["hi95"][ahead - 1],
                [(abs(value - said[ahead - 1]) / 12.5, abs(value - before[0]) / 12.5)] if before else [],
            ))  # fmt: skip
    rows = found(store, since=since)["hourlyForecasts"]
    assert [(row["metric"], row["ahead"]) for row in rows] == [
        (metric, name) for metric in known for name in ("1-6", "7-12", "13-24", "25-48")
    ]  # fmt: skip
    for row in rows:
        of_row = pairs[row["metric"], row["ahead"]]
        assert row["points"] == len(of_row) > 30
        assert row["inside80"] == pytest.approx(statistics.fmean(one[0] for one in of_row), abs=1e-4)
        assert row["inside95"] == pytest.approx(statistics.fmean(one[1] for one in of_row), abs=1e-4)
        compared = [pair for one in of_row for pair in one[2]]
        assert row["error"] == pytest.approx(statistics.fmean(one[0] for one in compared), abs=1e-4)
        assert row["naive"] == pytest.approx(statistics.fmean(one[1] for one in compared), abs=1e-4)
        assert row["skill"] == pytest.approx(1 - row["error"] / row["naive"], abs=1e-3)


def curve(store: Store, post_id: str, at: datetime, values: Sequence[float | None], account_id: str = "a0") -> None:
    store.post_curves.put([{
        "_id": post_id, "workspaceId": "w", "accountId": account_id, "platform": "instagram", "metricType": "reel",
        "publishedAt": at, "values": list(values), "definitionVersion": DEFINITION,
    }])  # fmt: skip


def test_outlooks_are_counted_by_age(store: Store) -> None:
    random = np.random.default_rng(5)
    connect(store, "a0", NOW)
    due = defaultdict(list)
    for number in range(150):
        at = SINCE + number * 10 * HOUR
        final = float(random.integers(0, 400)) if number % 7 else None
        curve(store, f"p{number}", at, [None] * 10 + [final])
        for age in (1.0, 12.0):
            value = float(random.gamma(3, 80))
            bounds = {"lo80": value * 0.6, "hi80": value * 1.5, "lo95": value * 0.3, "hi95": value * 3}
            said = {"value": value, **bounds} if number % 11 else {"unavailable": "too_few"}
            store.outlooks.add([{
                "_id": f"p{number}|{age:g}", "workspaceId": "w", "accountId": "a0", "postId": f"p{number}",
                "publishedAt": at, "madeAt": at, "model": "outlook/1", "age": age, **said,
            }])  # fmt: skip
            if final is not None and number % 11 and at < NOW:
                due[age].append((final, said))
    for row in found(store)["outlooks"]:
        of_age = due[row["age"]]
        errors = [abs(float(one["value"]) - final) / max(final, 1) for final, one in of_age]
        assert row["posts"] == len(of_age) > 100
        assert row["medianError"] == pytest.approx(min(statistics.median_low(errors), 10), abs=0.001)
        for name in ("80", "95"):
            inside = [one[f"lo{name}"] <= final <= one[f"hi{name}"] for final, one in of_age]  # type: ignore[operator]
            assert row[f"inside{name}"] == pytest.approx(statistics.fmean(inside), abs=1e-4)  # type: ignore[literal-required]
    assert [row["age"] for row in found(store)["outlooks"]] == [1.0, 12.0]


def test_anomalies_are_counted_by_grain_and_kind(store: Store) -> None:
    connect(store, "a0", NOW, connectedAt=NOW - timedelta(days=28))
    connect(store, "b0", NOW, workspace_id="other")
    for number in range(8):
        status = "withdrawn" if number < 2 else "open" if number == 2 else "ended"
        put_anomaly(store, f"an_{number}", NOW - (number + 1) * DAY, workspaceId="w", status=status)
    store.anomalies.change("w", "an_5", {"acknowledgedBy": "ann"}, [])
    put_anomaly(store, "an_day", NOW - 3 * DAY, workspaceId="w", grain="day", kind="collection")
    put_anomaly(store, "an_old", SINCE - DAY, workspaceId="w")
    put_anomaly(store, "an_other", NOW - DAY, workspaceId="other")
    watched: Any = [{"metric": "a", "expected": 1, "observed": 1}] * 4 + [{"metric": "b", "unavailable": "stale"}]
    store.watched.put("w", "a0", "hour", watched, NOW)
    assert found(store)["anomalies"] == [
        {
            "grain": "hour", "kind": "spike", "anomalies": 8, "open": 1, "ended": 5, "withdrawn": 0.25,
            "acknowledged": 0.125, "perWeekAndSeries": 0.5,
        },
        {
            "grain": "day", "kind": "collection", "anomalies": 1, "open": 0, "ended": 1, "withdrawn": 0.0,
            "acknowledged": 0.0,
        },
    ]  # fmt: skip
    assert found(store, "w", "other")["anomalies"][0]["anomalies"] == 9
    assert "perWeekAndSeries" not in found(store, "other")["anomalies"][0], "no series of it is watched"


def test_claims_about_best_times_are_compared_with_the_posts_that_followed(store: Store) -> None:
    connect(store, "a0", NOW)
    zone, random, posts = ZoneInfo("Asia/Tokyo"), np.random.default_rng(2), []
    for number in range(160):
        at = SINCE - 20 * DAY + number * 13 * HOUR
        local = at.astimezone(zone)
        raised = local.weekday() == 2 or local.hour in (9, 10, 11)
        posts.append((at, exp(5 + 0.3 * random.normal() + 0.5 * raised)))
        curve(store, f"p{number:03}", at, [None] * 8 + [posts[-1][1], None, None])
    claims = [
        (SINCE - 10 * DAY, [(day, 9, 0.4) for day in range(3)]),
        (SINCE + 20 * DAY, None),
        (SINCE + 30 * DAY, [(2, 23, 0.3), (2, 9, 0.25), (4, 9, 0.2), (5, 0, 0.1)]),
    ]
    for at, slots in claims:
        said: Any = {"unavailable": "no_effect"} if slots is None else {
            "slots": [{"weekday": day, "hour": hour, "lift": lift} for day, hour, lift in slots]
        }  # fmt: skip
        store.best_times.add([{
            "_id": f"a0|reel|{at:%Y-%m-%d}", "workspaceId": "w", "accountId": "a0", "metricType": "reel", "day": at,
            "madeAt": at, "model": "best-times/1", "timeZone": "Asia/Tokyo", **said,
        }])  # fmt: skip
    posts = [one for one in posts if one[0] < NOW]
    logs = [log1p(value) for _, value in posts]
    calm = [one - statistics.median(logs[max(0, n - 20) : n + 21]) for n, one in enumerate(logs)]
    usual, best, claimed = [], [], []
    for (at, _), one in zip(posts, calm, strict=True):
        held = [slots for made, slots in claims if made <= at]
        if at < SINCE or not held or held[-1] is None:
            continue
        usual.append(one)
        local = at.astimezone(zone)
        lifts = [lift for day, hour, lift in held[-1][:3] if day == local.weekday() and (local.hour - hour) % 24 < 3]
        if lifts:
            best.append(one)
            claimed.append(log(1 + lifts[0]))
    (row,) = found(store)["bestTimes"]
    assert (row["metricType"], row["accounts"], row["posts"]) == ("reel", 1, len(best))
    assert 4 < len(best) < len(usual)
    assert row["claimed"] == pytest.approx(expm1(statistics.fmean(claimed)), abs=1e-4)
    assert row["realised"] == pytest.approx(expm1(statistics.fmean(best) - statistics.fmean(usual)), abs=1e-4)
    assert found(store)["bestTimesSaid"] == {"claimed": 1, "no_effect": 1}


def test_half_lives_are_compared_with_the_posts_that_followed(store: Store) -> None:
    connect(store, "a0", NOW)
    for at, lives in ((SINCE - DAY, {"q1": 3.0, "median": 6.0, "q3": 12.0}), (SINCE + 10 * DAY, {"q3": 2.0})):
        store.content_decay.add([{
            "_id": f"a0|reel|{at:%Y-%m-%d}", "workspaceId": "w", "accountId": "a0", "metricType": "reel", "day": at,
            "madeAt": at, "model": "decay/1", "halfLife": lives,
        }])  # fmt: skip
    shapes: dict[str, tuple[int, list[int | None]]] = {
        "six hours": (1, [0, 0, 0, 0, 10, 50, 60, 70, 80, 90, 100]),
        "between 12 and 24": (1, [0, 0, 0, 0, 10, 20, 30, 70, 80, 90, 100]),
        "between 3 and 6": (1, [0, 0, 0, 0, 10, 60, 60, 70, 80, 90, 100]),
        "unclear": (1, [0, 0, 0, 0, 10, None, 60, 70, 80, 90, 100]),
        "small": (1, [0, 0, 0, 0, 1, 2, 2, 2, 3, 3, 4]),
        "no end": (1, [0, 0, 0, 0, 10, 60, 60, 70, 80, 90, None]),
        "at once": (11, [40, 60, 60, 60, 60, 60, 60, 70, 80, 90, 100]),
        "before": (-3, [0, 0, 0, 0, 10, 60, 60, 70, 80, 90, 100]),
    }  # fmt: skip
    for name, (day, values) in shapes.items():
        curve(store, name, SINCE + day * DAY, [None if one is None else float(one) for one in values])
    assert found(store)["halfLives"] == [
        # Of four posts, three lie between the quartiles; one is faster, and two are the median itself.
        {"metricType": "reel", "accounts": 1, "posts": 4, "betweenQuartiles": 0.75, "faster": 0.5}
    ]


def test_where_nothing_came_due_a_sentence_says_so(store: Store) -> None:
    connect(store, "a0", NOW)
    nothing = found(store)
    assert sorted(nothing["unavailable"]) == [
        "anomalies", "bestTimes", "forecasts", "halfLives", "hourlyForecasts", "outlooks",
    ]  # fmt: skip
    assert nothing["unavailable"]["forecasts"] == "No forecast of days has come due since 2026-01-15."
    assert all(nothing[name] == [] for name in nothing["unavailable"])  # type: ignore[literal-required]


def test_nothing_is_written_and_accounts_are_read_one_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        connect(store, f"a{number}", NOW)
        roll_days(store, f"a{number}", LAST, {"totalEngagement": [100.0 + n for n in range(60)]})
        say(store, f"a{number}", "totalEngagement", date(2026, 2, 1), number)
    asked: list[int] = []
    read = store.rollups.aggregated

    def aggregated(*arguments: Any, account_ids: Any = None, **options: Any) -> Any:
        asked.append(len(account_ids))
        return read(*arguments, account_ids=account_ids, **options)

    monkeypatch.setattr(store.rollups, "aggregated", aggregated)
    names = [name for name in store.db.list_collection_names() if not name.startswith("system.")]
    before = {name: list(store.db[name].find().sort("_id", 1)) for name in names}
    steps: list[tuple[int, int]] = []
    evaluate(store, ["w"], SINCE, NOW, lambda done, total: steps.append((done, total)))
    assert asked == [1, 1, 1, 1]
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {name: list(store.db[name].find().sort("_id", 1)) for name in names} == before
