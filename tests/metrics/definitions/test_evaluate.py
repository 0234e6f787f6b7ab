"""Reasons and values that depend on the platform, the span or the scope; the law is in `test_law`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient, monitoring

from metrics.calendars import Calendar
from metrics.catalog import CATALOG
from metrics.definitions.evaluate import evaluate
from metrics.definitions.language.checker import check
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.scope import Scope, Value
from metrics.documents import Platform
from metrics.expected import FOREVER, Connection, Span
from metrics.store import Store

DAY = timedelta(days=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
ALL = Scope("w")
WEEK = (START, START + 7 * DAY)
SINCE = datetime(2024, 1, 1, tzinfo=UTC)


def account(name: str, platform: Platform = "instagram", since: datetime = SINCE) -> Connection:
    return Connection(name, platform, ((since, FOREVER),))


def put(store: Store, owner: Connection, day: datetime, entries: dict[str, Any], post: str | None = None) -> None:
    """Store the daily rollup of an account or of one of its posts; a number stands for a net."""
    full = {
        name: entry if isinstance(entry, dict) else {"open": 0, "close": entry, "net": entry, "samples": 1}
        for name, entry in entries.items()
    }
    of_post = {"metricType": "post", "contentType": "image", "postId": post} if post else {"metricType": "account"}
    store.rollups.subjects.insert_one({
        "_id": f"{post or owner.account_id}|{day}", "workspaceId": "w", "accountId": owner.account_id,
        "platform": owner.platform, "subjectId": post or owner.account_id, "period": "daily", "periodStart": day,
        "periodEnd": day + DAY, "observedSlots": 24, "metrics": full, **of_post,
    })  # fmt: skip


def value(
    store: Store, expression: str, accounts: list[Connection], span: Span = WEEK, scope: Scope = ALL, **more: Any
) -> Value:
    form = check(expression, Vocabulary()).form
    (found,) = evaluate(store, form, scope, [span], accounts, **more)
    return found


def level(opened: int, closed: int) -> dict[str, int]:
    """Return the entry of a level that was read twice."""
    return {
        "open": opened, "close": closed, "net": closed - opened, "min": min(opened, closed), "max": max(opened, closed),
        "sum": opened + closed, "samples": 2,
    }  # fmt: skip


def test_people_are_known_for_one_account_over_the_providers_own_span(store: Store) -> None:
    one, two = account("a"), account("b")
    for number in range(7):
        put(store, one, START + number * DAY, {"reach": {"value": 100 + number, "samples": 1}})
    reach = "unique(account.reach)"
    assert value(store, reach, [one], (START, START + DAY)).value == 100
    assert value(store, reach, [one], (START, START + 25 * timedelta(hours=1))).value == 101
    assert value(store, reach, [one]).reason == "not_additive"
    assert value(store, reach, [one, two], (START, START + DAY)).reason == "not_additive"
    assert value(store, f"{reach} / followers", [one], (START, START + DAY)).reason == "no_observation"


def test_weekly_reach_is_that_of_the_last_day_of_seven(store: Store) -> None:
    one = account("a")
    for number, people in ((5, 500), (6, 600)):
        put(store, one, START + number * DAY, {"weeklyReach": {"value": people, "samples": 1}})
    assert value(store, "unique(weeklyReach)", [one]).value == 600
    assert value(store, "unique(weeklyReach)", [one], (START - DAY, START + 6 * DAY)).value == 500
    assert value(store, "unique(weeklyReach)", [one], (START + DAY, START + 8 * DAY)).reason == "no_observation"
    assert value(store, "unique(weeklyReach)", [one], (START, START + DAY)).reason == "not_additive"


def test_change_of_the_providers_definition_within_the_span_is_told(store: Store) -> None:
    (changed, *_) = CATALOG["post", "views"].offers["youtube"].changed
    day = datetime(changed.year, changed.month, changed.day, tzinfo=UTC)
    one = account("a", "youtube", day - 90 * DAY)
    for number in (-1, 0, 1):
        put(store, one, day + number * DAY, {"views": 10}, f"p{number}")
        put(store, one, day + number * DAY, {"accountViews": {"total": 10, "samples": 1}})

    def reasons(expression: str, *spans: tuple[int, int]) -> list[str | None]:
        return [value(store, expression, [one], (day + a * DAY, day + b * DAY)).reason for a, b in spans]

    # A counter steps on the day itself; the provider's day is wholly of the new meaning.
    spans = ((-1, 0), (-1, 1), (0, 1), (1, 2))
    assert reasons("views", *spans) == [None, "definition_changed", "definition_changed", None]
    assert reasons("accountViews", *spans) == [None, "definition_changed", None, None]
    assert reasons("likes", (-1, 1)) == ["no_observation"]


def test_change_of_the_providers_definition_is_on_the_day_of_its_date_in_the_calendar(store: Store) -> None:
    (changed, *_) = CATALOG["post", "views"].offers["youtube"].changed
    tokyo = Calendar("Asia/Tokyo", version=3)
    start, end = tokyo.span("daily", changed).bounds
    one = account("a", "youtube", start - 90 * DAY)

    def reason(expression: str, *span: datetime) -> str | None:
        return value(store, expression, [one], (span[0], span[1]), scope=Scope("w", calendar=tokyo)).reason

    # In UTC that day begins nine hours later, within the day of Tokyo.
    assert reason("accountViews", start - DAY, end) == "definition_changed"
    assert reason("accountViews", start, end) == "no_observation"
    assert reason("views", start - DAY, start) == "no_observation"
    assert reason("views", start, end) == "definition_changed"


def test_platform_without_consent_is_left_out_of_mixed_values_only(store: Store) -> None:
    tube, gram = account("a", "youtube"), account("b")
    put(store, tube, START, {"likes": 5}, "p1")
    put(store, gram, START, {"likes": 3}, "p2")
    without: Any = {"without_consent": {"youtube"}}
    assert value(store, "likes", [tube, gram]).value == 8
    assert value(store, "likes", [tube, gram], **without).value == 3
    assert value(store, "likes", [tube], **without).value == 5
    form = check("likes", Vocabulary()).form
    by_platform = evaluate(store, form, Scope("w"), [WEEK], [tube, gram], group_by=("platform",), **without)
    assert [(found.group["platform"], found.value) for found in by_platform] == [("instagram", 3), ("youtube", 5)]


def test_accounts_that_lack_a_level_are_named(store: Store) -> None:
    one, two, later = account("a"), account("b"), account("c", since=START + 30 * DAY)
    put(store, one, START, {"followers": level(1, 9)})
    found = value(store, "followers", [one, two, later])
    assert (found.value, found.missing) == (9, ("b",))
    rate = value(store, "percent(close(followers) - open(followers), avg(followers))", [one, two, later])
    assert (rate.value, rate.missing, rate.parts and rate.parts.measured) == (160, ("b",), 1)


def test_documents_of_accounts_that_are_not_expected_count_for_nothing(store: Store) -> None:
    one, gone = account("a"), Connection("b", "instagram", ((SINCE, START - DAY),))
    for owner in (one, gone):
        put(store, owner, START, {"likes": 4}, f"p{owner.account_id}")
    assert value(store, "likes", [one, gone]).value == 4
    assert value(store, "likes", [gone]).reason == "no_observation"


def test_scope_selects_accounts_and_posts(store: Store) -> None:
    one, two = account("a"), account("b", "twitter")
    put(store, one, START, {"likes": 4, "reach": 40}, "p1")
    put(store, one, START, {"likes": 5, "reach": 50}, "p2")
    put(store, two, START, {"likes": 6, "impressions": 60}, "p3")
    both = [one, two]
    assert value(store, "likes", both, scope=Scope("w", platform="twitter")).value == 6
    assert value(store, "likes", both, scope=Scope("w", frozenset({"a"}))).value == 9
    assert value(store, "likes", both, scope=Scope("w", content_type="video")).reason == "no_observation"
    assert value(store, "followers", both, scope=Scope("w", content_type="video")).reason == "not_supported"
    assert value(store, "reach", both, scope=Scope("w", frozenset({"a"}))).reason == "not_additive"
    assert value(store, "reach", both, scope=Scope("w", frozenset({"a"}), post_id="p2")).value == 50
    assert value(store, "percent(likes, reach)", [one], scope=Scope("w", post_id="p1")).value == 10
    assert value(store, "impressions{platform=twitter}", [one]).reason == "not_supported"
    assert value(store, "likes", [], scope=Scope("w")).reason == "no_observation"
    assert value(store, "likes", both, scope=Scope("elsewhere")).reason == "no_observation"


def test_values_that_are_no_numbers_make_no_number(store: Store) -> None:
    one = account("a")
    put(store, one, START, {"followers": {"open": 1.0, "close": float("nan"), "net": 1, "samples": 1}})
    put(store, one, START, {"likes": float("inf"), "comments": 1}, "p1")
    assert value(store, "followers", [one]).reason == "no_observation"
    assert value(store, "likes", [one]).reason == "no_observation"
    assert value(store, "percent(comments, likes)", [one]).reason == "no_observation"


class Commands(monitoring.CommandListener):
    """Keeps the names of the commands that a client sends."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Take no notice."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Take no notice."""


@pytest.fixture
def listened(store: Store, mongo_server: str) -> Iterator[tuple[Store, Commands]]:
    """The store of the test through a client whose commands are kept."""
    commands = Commands()
    with MongoClient[dict[str, Any]](mongo_server, tz_aware=True, event_listeners=[commands]) as client:
        yield Store(client, client[store.db.name]), commands


def test_all_spans_are_read_by_one_aggregation(listened: tuple[Store, Commands]) -> None:
    store, commands = listened
    one = account("a")
    put(store, one, START, {"likes": 3}, "p1")
    put(store, one, START, {"followers": level(1, 2)})
    store.db["posts"].insert_one({
        "_id": "p1", "workspaceId": "w", "accountId": "a", "platform": "instagram", "platformPostId": "1",
        "metricType": "post", "contentType": "image", "publishedAt": START,
    })  # fmt: skip
    commands.names.clear()
    form = check("(likes + posts{account=a} * 2 + postCount) / followers", Vocabulary()).form
    spans = [(START + n * DAY, START + (n + 7) * DAY) for n in range(-10, 300)]
    found = evaluate(store, form, Scope("w"), spans, [one])
    assert len(found) == 310
    # Three look-ups and one aggregation find out which weeks and months may be read in place of their days.
    assert len(commands.names) <= 5
    assert commands.names[-1] == "aggregate"


def test_days_of_another_calendar_count_for_nothing(store: Store) -> None:
    one = account("a")
    put(store, one, START, {"likes": 3}, "p1")
    put(store, one, START + timedelta(hours=5), {"likes": 30}, "p1")
    store.rollups.subjects.update_one({"_id": f"p1|{START + timedelta(hours=5)}"}, {"$set": {"calendarVersion": 2}})
    assert value(store, "likes", [one]).value == 3
    assert value(store, "likes", [one], scope=Scope("w", calendar=Calendar(version=2))).value == 30


def test_no_spans_have_no_values(store: Store) -> None:
    assert evaluate(store, check("likes", Vocabulary()).form, Scope("w"), [], [account("a")]) == []
