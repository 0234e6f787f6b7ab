"""The strip of alerts, honest states and empty states."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from metrics.clock import utcnow
from metrics.documents import PLATFORMS, AccountDocument, Observation, Platform
from metrics.periods import HOUR, midnight, slot_of
from metrics.redis.events import Announcer
from metrics.store.collections import record_id
from tests.serving.dashboard.stage import EMPTY, TROUBLED, WORKSPACE, Look, Stage

pytestmark = pytest.mark.browser
HEBREW = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
CROWD = "crowd"


def connect(stage: Stage, workspace: str, name: str, platform: str, **more: Any) -> AccountDocument:
    account: Any = {
        "_id": f"acc_{name}", "workspaceId": workspace, "platform": platform, "platformAccountId": name,
        "handle": name, "state": "active", "connectedAt": utcnow() - timedelta(days=3), **more,
    }  # fmt: skip
    stage.store.accounts.put([account])
    return account  # type: ignore[no-any-return]


def record(stage: Stage, account: AccountDocument, slot: Any, **more: Any) -> None:
    """Write what became of an hour of an account."""
    one: Any = {
        "_id": record_id(account["_id"], slot), "workspaceId": account["workspaceId"], "accountId": account["_id"],
        "platform": account["platform"], "slot": slot, "state": "collected", "finishedAt": slot + HOUR, "runId": "r",
        "observations": 1, "calls": 1, **more,
    }  # fmt: skip
    stage.store.collections.put([one])


@pytest.fixture
def crowd(stage: Stage) -> Iterator[str]:
    """A workspace whose accounts are in every state."""
    newest = slot_of(utcnow()) - HOUR
    failed = {"state": "failed", "reason": "provider_error", "message": "HTTP 500"}
    for name in ("zoe", "Adam", "mia"):
        record(stage, connect(stage, CROWD, name, "instagram"), newest)
    record(stage, connect(stage, CROWD, "broken", "facebook"), newest, **failed)
    record(stage, connect(stage, CROWD, "slow", "linkedin"), newest - 5 * HOUR)
    connect(stage, CROWD, HEBREW, "twitter", state="needs_reauth", stateReason="revoked")
    Announcer(stage.redis).announce(CROWD)
    yield CROWD
    stage.store.db["accounts"].delete_many({"workspaceId": CROWD})
    stage.store.db["collections"].delete_many({"workspaceId": CROWD})


def test_each_problem_is_one_line_on_top_with_what_to_do(look: Look, crowd: str) -> None:
    page = look.open(crowd)
    lines = page.locator("#alerts li").all_inner_texts()
    look.keep("alerts")
    assert lines[0].startswith(
        f"1 account needs a new token: \N{FIRST STRONG ISOLATE}{HEBREW}\N{POP DIRECTIONAL ISOLATE} (X)."
    )
    assert "Connect it again" in lines[0]
    assert lines[1].startswith("Facebook failed in the hour of")
    assert "for broken (the platform answered with an error)" in lines[1]
    assert "tried again every hour" in lines[1]
    assert lines[2].startswith("The last hour is missing for slow (LinkedIn)")
    assert "Check that the pipeline runs" in lines[2]
    assert len(lines) == 3


def test_account_whose_last_collection_failed_is_not_active_in_green(look: Look, crowd: str) -> None:
    page = look.open(crowd)
    badges = {
        name: page.locator(f"#account-acc_{name} .badge").evaluate(
            "(node) => [node.firstChild.data, node.classList[1]]"
        )
        for name in ("broken", "slow", "zoe")
    }
    assert badges == {"broken": ["Failed", "bad"], "slow": ["Late", "warn"], "zoe": ["Active", "ok"]}


def test_accounts_are_sorted_by_name_and_can_be_searched(look: Look, crowd: str) -> None:
    page = look.open(crowd)
    names = page.locator("#accounts tbody th a")
    assert names.all_inner_texts() == ["Adam", "broken", "mia", "slow", "zoe", HEBREW]
    page.fill("#accounts-search", "face")
    expect(names).to_have_text(["broken"])
    assert page.inner_text("#accounts-count") == "1 of 6"
    page.type("#accounts-search", "x")
    expect(page.locator("#accounts .empty")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "accounts-search"


def test_name_in_another_writing_direction_is_isolated(look: Look, crowd: str) -> None:
    page = look.open(crowd)
    name = page.locator("#accounts tbody bdi", has_text=HEBREW)
    assert name.evaluate("(node) => getComputedStyle(node).unicodeBidi") == "isolate"


def test_healthy_workspace_has_no_alert(look: Look) -> None:
    page = look.open()
    expect(page.locator("#alerts")).to_be_hidden()
    page.goto(f"{look.stage.url}?workspace={TROUBLED}")
    expect(page.locator("#alerts")).to_contain_text("1 account needs a new token: troubled (LinkedIn)")
    page.select_option("#workspace", WORKSPACE)
    expect(page.locator("#alerts")).to_be_hidden()


def test_collection_of_someone_else_is_shown_while_it_runs(look: Look, stage: Stage) -> None:
    page = look.open()
    operation = stage.store.operations.request("collect", WORKSPACE)["_id"]
    stage.announce_operation(operation)
    expect(page.locator("#work")).to_contain_text("Collecting: queued", timeout=15_000)
    stage.store.operations.start(operation, "run")
    stage.store.operations.report(operation, "all", {"ok": 4}, 1)
    stage.announce_operation(operation)
    expect(page.locator("#work")).to_have_text("Collection succeeded (accounts: 4 ok).")


def test_empty_workspace_shows_no_rows_of_dashes_and_no_blank_boxes(look: Look) -> None:
    page = look.open(EMPTY)
    assert "Nothing was collected yet" in page.inner_text("#coverage")
    for hidden in ("#figures", "#charts", "#platforms", "#today"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#accounts tbody tr")).to_have_count(1)


def test_collection_that_was_tried_and_failed_is_not_said_to_be_still_to_come(look: Look, stage: Stage) -> None:
    account = connect(stage, "in-vain", "vain", "facebook")
    record(stage, account, slot_of(utcnow()) - HOUR, state="failed", reason="provider_error")
    page = look.open("in-vain")
    assert "because of the problems above" in page.inner_text("#coverage")
    assert "Collect now" not in page.inner_text("#coverage")
    stage.store.db["accounts"].delete_one({"_id": account["_id"]})


def column(platform: Platform) -> int:
    """Return the place of a platform in tables with one column for each, from 0."""
    return sorted(PLATFORMS).index(platform)


def test_values_older_than_the_newest_hour_say_as_of_when(look: Look, stage: Stage) -> None:
    newest = slot_of(utcnow()) - HOUR
    account = connect(stage, "ladder", "ladder", "instagram")
    for name, age, slot in (("older", timedelta(days=3), newest - 4 * HOUR), ("newer", 2 * HOUR, newest)):
        post: Any = {
            "_id": f"post_{name}", "workspaceId": "ladder", "accountId": account["_id"], "platform": "instagram",
            "platformPostId": name, "metricType": "post", "contentType": "image", "publishedAt": newest - age,
        }  # fmt: skip
        stage.store.db["posts"].insert_one(post)
        read = Observation(
            "ladder", account["_id"], "instagram", "post", slot, slot + HOUR, {"likes": 5, "views": 90}, "r", "v1",
            post_id=post["_id"], platform_post_id=name, content_type="image",
        )  # fmt: skip
        stage.store.observations.append([read])
    record(stage, account, newest)
    page = look.open("ladder")
    marked = page.locator("#posts .asof")
    expect(marked.first).to_contain_text("as of")
    assert "every 6 hours for a week" in (marked.first.locator("[data-tip]").get_attribute("data-tip") or "")
    page.click("#sort-publishedAt")
    page.wait_for_selector("th[aria-sort] #sort-publishedAt")
    assert page.locator("#posts tbody tr").first.locator(".asof").count() == 0


def test_range_before_the_connection_does_not_contradict_itself(look: Look, stage: Stage) -> None:
    """Posts that were published before their account was connected stand in every list, and are named as such."""
    now = utcnow()
    # The range ends with yesterday.
    connected = max(now - HOUR, midnight(now.date()))
    account = connect(stage, "late", "late", "instagram", connectedAt=connected)
    record(stage, account, slot_of(now) - HOUR)
    old: Any = {
        "_id": "post_old", "workspaceId": "late", "accountId": account["_id"], "platform": "instagram",
        "platformPostId": "17912345678901234", "metricType": "post", "contentType": "image",
        "publishedAt": now - timedelta(days=4),
    }  # fmt: skip
    stage.store.db["posts"].insert_one(old)
    page = look.open("late")
    look.keep("before-connection")
    assert "were connected after this range, the first on" in page.inner_text("#coverage")
    assert "No account was connected" not in page.inner_text("#coverage")
    expect(page.locator("#posts tbody tr")).to_have_count(1)
    assert "earlier" in page.inner_text("#posts tbody th")
    assert "1 of them was published before the account was connected" in page.inner_text("#types")
    assert "No post was published" not in page.inner_text("#types")
    stage.store.db["posts"].delete_one({"_id": "post_old"})
    stage.store.db["accounts"].delete_one({"_id": account["_id"]})


def test_rate_on_a_small_basis_is_marked_and_does_not_set_the_scale(look: Look) -> None:
    def answer(route: Route) -> None:
        body = route.fetch().json()
        rates = (one for one in body["data"]["series"] if one["metric"] == "engagementRate")
        rate = next(one for one in rates if one["group"] == {"platform": "linkedin"})
        rate["values"][0], rate["parts"]["over"][0], rate["parts"]["under"][0] = 900.0, 81, 9
        route.fulfill(json=body)

    look.page.route("**/series?**engagementRate**", answer)
    page = look.open(drawn=True)
    page.locator("#details-rate summary").click()
    cell = page.locator("#table-rate tbody tr").last.locator("td").nth(column("linkedin"))
    assert cell.inner_text().split("\n") == ["900.00\N{NO-BREAK SPACE}%", "of 9 impressions"]
    page.focus("#plot-rate")
    page.keyboard.press("ArrowRight")
    assert "900.00\N{NO-BREAK SPACE}% of 9 impressions" in page.inner_text("#plot-rate .readout")
    assert float(page.get_attribute("#plot-rate", "data-high") or "nan") < 100


def test_platforms_say_how_much_of_the_engagement_is_in_a_rate(look: Look) -> None:
    page = look.open()
    facebook = page.locator("#platforms tr", has_text="Engagement rate").locator("td").nth(column("facebook"))
    assert "% of the engagement" in facebook.inner_text()
    assert "posts whose views are unknown" in (facebook.locator(".warn [data-tip]").get_attribute("data-tip") or "")


def test_alert_whose_newest_period_crossed_its_threshold_is_on_top(look: Look, crowd: str) -> None:
    store = look.stage.store
    now = utcnow()
    last = {"periodStart": now, "periodEnd": now, "periodLabel": "2026-01-14", "evaluatedAt": now, "value": 1203.5}
    failing = {"id": "ch_1", "scheme": "json", "sealed": b"", "failures": 2}
    of: dict[str, Any] = {
        "few": {}, "fine": {"state": "ok", "channels": [failing]}, "of-mia": {"accountIds": ["acc_mia"]},
    }  # fmt: skip
    for name, more in of.items():
        alert: Any = {
            "_id": f"{crowd}|{name}", "workspaceId": crowd, "name": name, "title": f"The title of {name}",
            "metric": "totalLikes", "comparison": "below", "threshold": 1500, "period": "daily", "state": "firing",
            "channels": [], "createdAt": now, "changedAt": now, "since": now, "last": last, **more,
        }  # fmt: skip
        store.alerts.put(alert)
    Announcer(look.stage.redis).announce(crowd)
    page = look.open(crowd)
    # They are read when the first view is whole.
    expect(page.locator("#alerts")).to_contain_text("The title of few")
    look.keep("thresholds")
    lines = page.locator("#alerts li").all_inner_texts()
    assert lines[0] == "The title of few: totalLikes is below 1,500 in 2026-01-14 (1,203.5)."
    assert lines[1].startswith("The title of of-mia:")
    assert any(line.startswith("Messages do not arrive for The title of fine") for line in lines)
    store.db["alerts"].delete_many({"workspaceId": crowd})
