"""The card of messages about anomalies: it is shown to readers and changed by administrators, errors in words."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from metrics.clock import utcnow
from metrics.periods import HOUR
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SECRET = "json://receiver.example/a-secret-token"


@pytest.fixture
def admin(stage: Stage) -> Iterator[str]:
    """A key that may change the rule; the rule is removed afterwards."""
    key, _ = stage.store.keys.create("admin", ["*"], ["read", "admin"])
    yield key
    stage.store.anomaly_alerts.remove(WORKSPACE)


def shown(look: Look, key: str) -> Page:
    look.enter(key=key)
    expect(look.page.locator("#telling-rule p").first).to_be_visible()
    return look.page


def violations(look: Look) -> list[str]:
    found = Axe().run(look.page, {"include": ["#telling"]}).response["violations"]
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


def test_rule_is_set_changed_and_removed(look: Look, stage: Stage, admin: str) -> None:
    page = shown(look, admin)
    rule = page.locator("#telling-rule")
    expect(rule).to_contain_text("Nobody is told of anomalies.")
    page.focus("#telling-change")
    page.keyboard.press("Enter")
    expect(page.locator("#telling-form")).to_be_visible()
    assert page.get_attribute("#telling-change", "aria-expanded") == "true"
    expect(page.locator("#telling-remove")).to_be_hidden()
    expect(page.locator("#telling-severity")).to_have_value("7")
    page.select_option("#telling-severity", "8")
    page.fill("#telling-channels", f"\n{SECRET}\n mailto://ann:word@mail.example \n")
    assert violations(look) == []
    look.keep("telling-form")
    page.click("#telling-save")
    expect(rule).to_contain_text("Anomalies of severity 8 of 10 or more are told by json, mailto.")
    expect(page.locator("#telling-said")).to_have_text("It was saved.")
    expect(page.locator("#telling-form")).to_be_hidden()
    expect(page.locator("#telling-change")).to_be_focused()
    stored = stage.store.anomaly_alerts.get(WORKSPACE)
    assert stored is not None
    assert [one["scheme"] for one in stored["channels"]] == ["json", "mailto"]
    assert "a-secret-token" not in page.content()

    page.click("#telling-change")
    expect(page.locator("#telling-severity")).to_have_value("8")
    expect(page.locator("#telling-channels")).to_have_value("")
    page.select_option("#telling-severity", "3")
    page.click("#telling-save")
    expect(rule).to_contain_text("Anomalies of severity 3 of 10 or more are told by json, mailto.")
    page.click("#telling-change")
    page.check("#telling-none")
    page.click("#telling-save")
    expect(rule).to_contain_text("told to nobody, because no channel is set.")
    page.click("#telling-change")
    page.click("#telling-remove")
    expect(page.locator("#telling-remove")).to_have_text("Really tell nobody?")
    page.click("#telling-remove")
    expect(rule).to_contain_text("Nobody is told of anomalies.")
    assert stage.store.anomaly_alerts.get(WORKSPACE) is None
    assert look.errors == []


def test_errors_are_shown_in_words_and_nothing_is_lost(look: Look, stage: Stage, admin: str) -> None:
    page = shown(look, admin)
    page.click("#telling-change")
    page.fill("#telling-channels", "no-such-service://x")
    page.click("#telling-save")
    expect(page.locator("#telling-fault")).to_contain_text("Channels: number 1 is no URL of apprise")
    expect(page.locator("#telling-channels")).to_have_value("no-such-service://x")
    assert page.get_attribute("#telling-channels", "aria-invalid") == "true"
    assert violations(look) == []
    look.keep("telling-fault")
    page.check("#telling-none")
    page.click("#telling-save")
    expect(page.locator("#telling-fault")).to_have_text("Either give channels or remove them all.")
    page.route("**/anomaly-alerts", lambda route: route.abort())
    page.uncheck("#telling-none")
    page.fill("#telling-channels", SECRET)
    page.click("#telling-save")
    expect(page.locator("#telling-fault")).to_have_text("The server does not answer.")
    page.click("#telling-cancel")
    expect(page.locator("#telling-form")).to_be_hidden()
    assert stage.store.anomaly_alerts.get(WORKSPACE) is None
    page.click("#telling-change")
    expect(page.locator("#telling-fault")).to_be_empty()
    expect(page.locator("#telling-channels")).to_have_value("")


def test_reader_sees_how_messages_stand_and_may_not_change_them(look: Look, stage: Stage, admin: str) -> None:
    at = utcnow().replace(microsecond=0)
    failing = {"id": "c1", "scheme": "slack", "failures": 3, "failedAt": at - HOUR, "error": "HTTP 410", "sealed": b"x"}
    rule: Any = {
        "_id": WORKSPACE, "workspaceId": WORKSPACE, "minSeverity": 5, "channels": [failing], "createdAt": at,
        "changedAt": at, "nextAt": at,
    }  # fmt: skip
    stage.store.anomaly_alerts.put(rule)
    states = (["sent"], ["pending", "sent"], ["given_up", "sent"])
    for number, of_channels in enumerate(states):
        stage.store.db["anomaly_messages"].insert_one({
            "_id": f"am_{number}", "workspaceId": WORKSPACE, "anomalyIds": [f"an_{number}", f"an_{number}b"],
            "madeAt": at - number * HOUR, "pending": False, "nextAt": at,
            "deliveries": [{"channel": f"c{place}", "state": state, "attempts": 1}
                           for place, state in enumerate(of_channels)],
        })  # fmt: skip
    page = shown(look, stage.reader)
    expect(page.locator("#telling")).to_contain_text("needs a key with the scope “admin”")
    assert page.locator("#telling button, #telling form").count() == 0
    expect(page.locator("#telling-rule")).to_contain_text("severity 5 of 10 or more are told by slack.")
    expect(page.locator("#telling-rule .warn")).to_contain_text("slack has not taken its messages: 3 attempts")
    expect(page.locator("#telling-rule .warn")).to_contain_text("HTTP 410")
    lines = page.locator("#telling-rule li")
    expect(lines).to_have_count(3)
    for line, words in zip(
        lines.all(), ("2 anomalies, sent", "waiting for 1 of 2 channels", "given up for 1 of 2 channels"), strict=True
    ):
        expect(line).to_contain_text(words)
    assert violations(look) == []
    assert look.errors == []
    lines.first.locator("a").click()
    expect(page.locator("#happened")).to_be_visible()
