"""Formulas over windows that overlap, as those of rolling periods do, against sums over the days of each window."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from metrics.definitions.evaluate import evaluate
from metrics.definitions.language.checker import check
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.scope import Scope
from metrics.expected import FOREVER, Connection
from metrics.store import Store

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 130
OWNER = Connection("a", "instagram", ((START - 100 * DAY, FOREVER),))
Days = Mapping[int, Mapping[str, Any]]
"""The entries of a subject by day; days without a rollup are missing."""
World = tuple[Days, list[Days]]
"""The days of the account, and those of its posts."""

FORMULAS: Mapping[str, Callable[[Days, list[Days]], float | None]] = {
    "likes": lambda _, posts: _total([entry["net"] for post in posts for entry in _of(post, "likes")]),
    "close(followers)": lambda account, _: _of(account, "followers")[-1]["close"],
    "open(followers)": lambda account, _: _of(account, "followers")[0]["open"],
    "min(followers{account=a})": lambda account, _: min(entry["min"] for entry in _of(account, "followers")),
    "max(followers{account=a})": lambda account, _: max(entry["max"] for entry in _of(account, "followers")),
    "avg(followers)": lambda account, _: (
        sum(entry["sum"] for entry in _of(account, "followers"))
        / sum(entry["samples"] for entry in _of(account, "followers"))
    ),
    "profileViews": lambda account, _: _total([entry["total"] for entry in _of(account, "profileViews")]),
    "comments / likes": lambda _, posts: _paired(posts),
}


def _of(days: Days, name: str) -> list[Any]:
    return [days[day][name] for day in sorted(days) if name in days[day]]


def _total(values: list[int]) -> int | None:
    return sum(values) if values else None


def _paired(posts: list[Days]) -> float | None:
    pairs = [([e["net"] for e in _of(post, "comments")], [e["net"] for e in _of(post, "likes")]) for post in posts]
    entering = [(sum(over), sum(under)) for over, under in pairs if over and under and sum(under) > 0]
    return sum(over for over, _ in entering) / sum(under for _, under in entering) if entering else None


def world(random: Random) -> World:
    """Return days of which many are missing, of one account and five posts that live for a part of the time."""

    def level(opened: int, closed: int) -> dict[str, int]:
        low, high, samples = min(opened, closed), max(opened, closed), random.randint(1, 24)
        return {"open": opened, "close": closed, "net": closed - opened, "min": low - 3, "max": high + 3,
                "sum": low * samples, "samples": samples}  # fmt: skip

    account: Days = {
        day: {"followers": level(random.randint(50, 99), random.randint(50, 99))}
        | ({"profileViews": {"total": random.randint(0, 9), "samples": 1}} if random.random() < 0.1 else {})
        for day in range(DAYS)
        if day % 7 == 3 or random.random() < 0.6
    }
    posts: list[Days] = [
        {
            day: {
                name: {"open": 0, "close": 9, "net": random.randint(-3, 9), "samples": 1}
                for name in ("likes", "comments")
                if random.random() < 0.6
            }
            for day in range(first, min(DAYS, first + random.randint(5, 60)))
            if random.random() < 0.5
        }
        for first in (0, 10, 40, 80, 125)
    ]
    return account, posts


def put(store: Store, subject: str, days: Days) -> None:
    """Store the daily rollups of a subject."""
    of_post = {"metricType": "account"}
    if subject != OWNER.account_id:
        of_post = {"metricType": "post", "contentType": "image", "postId": subject}
    for day, entries in days.items():
        store.rollups.subjects.insert_one({
            "_id": f"{subject}|{day}", "workspaceId": "w", "accountId": "a", "platform": "instagram",
            "subjectId": subject, "period": "daily", "periodStart": START + day * DAY,
            "periodEnd": START + (day + 1) * DAY, "observedSlots": 24, "metrics": entries, **of_post,
        })  # fmt: skip


@pytest.mark.parametrize(("length", "windows"), [(7, 30), (28, 100), (90, 41)])
def test_each_window_has_the_value_of_its_own_days(store: Store, length: int, windows: int) -> None:
    account, posts = world(Random(length))
    put(store, "a", account)
    for number, days in enumerate(posts):
        put(store, f"p{number}", days)
    starts = list(range(windows))
    # The order of spans is of no account.
    Random(windows).shuffle(starts)
    spans = [(START + first * DAY, START + (first + length) * DAY) for first in starts]
    for expression, reference in FORMULAS.items():
        form = check(expression, Vocabulary("w", {}, {"a": "instagram"})).form
        found = [one.value for one in evaluate(store, form, Scope("w"), spans, [OWNER])]

        def within(days: Days, first: int) -> Days:
            return {day: entries for day, entries in days.items() if first <= day < first + length}

        wanted = [reference(within(account, first), [within(days, first) for days in posts]) for first in starts]
        assert found == [None if one is None else pytest.approx(one, rel=1e-12) for one in wanted], expression
