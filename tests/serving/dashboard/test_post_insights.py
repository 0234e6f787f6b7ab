"""Best times, how posts age, and what becomes of young posts: shown with their evidence, or the reason in words."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from metrics import best_times, content_decay, post_outlooks
from metrics.clock import utcnow
from metrics.documents import AccountDocument, Document
from metrics.periods import DAY, midnight
from metrics.redis.events import Announcer
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def of(account: AccountDocument, day_: Any, **fields: Any) -> Document:
    return {
        "_id": f"{account['_id']}|{fields.get('metricType', 'post')}|{day_:%Y-%m-%d}", "workspaceId": WORKSPACE,
        "accountId": account["_id"], "platform": account["platform"], "metricType": "post", "day": day_,
        "madeAt": day_ + DAY, "runId": "r", "trainedFrom": "2026-05-01", "trainedTo": "2026-10-30", "expected": 131,
        "observed": 126, **fields,
    }  # fmt: skip


@pytest.fixture(scope="module")
def said(stage: Stage) -> Iterator[dict[str, Any]]:
    """Slots of one account, no effect of another, an ageing curve, and an outlook of the newest post."""
    first, second = stage.accounts()[:2]
    day = midnight(utcnow().date()) - DAY
    slot = {"weekday": 1, "hour": 22, "lift": 0.24, "lo80": 0.1, "hi80": 0.4, "posts": 31}
    window = {"hour": 9, "lift": 0.08, "lo80": 0.02, "hi80": 0.15, "posts": 80}
    common = {"model": best_times.MODEL, "timeZone": "Europe/Berlin", "tried": 25}
    stage.store.best_times.add([
        of(first, day, **common, p=0.004, slots=[slot], backtest={"claimed": 0.22, "realised": 0.17, "posts": 9}),
        of(second, day, **common, p=0.31, unavailable="no_effect",
           pooled={"accounts": 3, "posts": 312, "p": 0.2, "windows": [window]}),
    ])  # fmt: skip
    points = [{"age": age, "q1": at - 0.05, "median": at, "q3": at + 0.05, "posts": 124}
              for age, at in ((1, 0.1), (6, 0.4), (24, 0.79), (168, 0.95))]  # fmt: skip
    stage.store.content_decay.add([
        of(first, day, model=content_decay.MODEL, points=points, halfLife={"q1": 5.4, "median": 9.8, "q3": 14.9}),
        of(second, day, model=content_decay.MODEL, unavailable="too_few_posts"),
    ])  # fmt: skip
    now = utcnow()
    posts = stage.store.posts.published(WORKSPACE, now - timedelta(days=6), now)
    post = max((one for one in posts if "deletedAt" not in one), key=lambda one: one["publishedAt"])
    outlook = of(
        {**first, "_id": post["accountId"]}, day, model=post_outlooks.MODEL, postId=post["_id"],
        publishedAt=post["publishedAt"], age=12.0, engagement=214.0, trainedOn="platform", method="boosted",
        value=402.1, lo80=268.0, hi80=641.5, lo95=221.3, hi95=1020.9, percentileOfAccount=81.0, probabilityTop10=0.19,
        backtest={"posts": 640, "error": 0.29, "errorLogLinear": 0.41, "coverage80": 0.8, "coverage95": 0.95},
    )  # fmt: skip
    stage.store.db["post_outlooks"].insert_one(outlook)
    Announcer(stage.redis).announce(WORKSPACE)
    yield {"first": first, "second": second, "post": post}
    for name in ("best_times", "content_decay", "post_outlooks"):
        stage.store.db[name].delete_many({})
    Announcer(stage.redis).announce(WORKSPACE)


def violations(look: Look, place: str) -> list[str]:
    found = Axe().run(look.page, {"include": [place]}).response["violations"]
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


def test_best_times_are_shown_or_that_there_are_none(look: Look, said: dict[str, Any]) -> None:
    page = look.open()
    card = page.locator("#best-times")
    expect(card.locator(".chip")).to_contain_text("Tuesday 22:00 to 01:00 +24\N{NO-BREAK SPACE}%")
    expect(card).to_contain_text("times are those of Europe/Berlin")
    expect(card).to_contain_text("promised +22\N{NO-BREAK SPACE}%; 9 newer posts in it had +17\N{NO-BREAK SPACE}%")
    assert card.locator("tbody td").count() == 7 * 24
    assert card.locator("td[data-tip]").count() == 3
    assert violations(look, "#best-times") == []
    keep(card, "best times")
    page.select_option("#best-times-of", f"{said['second']['_id']}|post")
    expect(card.locator(".best")).to_contain_text("No best time can be shown. Over 126 posts, no hour and no weekday")
    expect(card).to_contain_text("(312 posts), which may be chance: 09:00 to 12:00 +8\N{NO-BREAK SPACE}%")
    assert violations(look, "#best-times") == []
    assert look.errors == []


def test_ageing_is_shown_with_its_half_life_or_the_reason(look: Look, said: dict[str, Any]) -> None:
    page = look.open()
    card = page.locator("#decay")
    expect(card.locator(".best")).to_contain_text("Half of the engagement has come after 9.8 h")
    expect(card.locator("canvas")).to_be_visible()
    page.click("#details-decay summary")
    expect(card.locator("tbody tr")).to_have_count(4)
    assert violations(look, "#decay") == []
    keep(card, "decay")
    page.select_option("#decay-of", f"{said['second']['_id']}|post")
    expect(card).to_contain_text("Nothing can be said: there are too few posts.")
    assert look.errors == []


def test_young_post_has_its_outlook(look: Look, stage: Stage, said: dict[str, Any]) -> None:
    page = look.page
    page.goto(f"{stage.url}?workspace={WORKSPACE}&sort=publishedAt#key={stage.key}")
    look.scroll()
    expect(page.locator("#posts")).to_contain_text("about 402 after a week (268 to 642)")
    page.goto(f"{stage.url}?workspace={WORKSPACE}&post={said['post']['_id']}")
    look.settle()
    expect(page.locator("#post-head")).to_contain_text("about 402 after a week (268 to 642)")
    assert violations(look, "#post-head") == []
    assert look.errors == []
