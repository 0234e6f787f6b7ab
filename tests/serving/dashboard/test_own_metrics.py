"""The card of own metrics: define with a preview and errors under the caret, list, chart, retire; others only read."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from metrics.clock import utcnow
from metrics.definitions.changes import NewDefinition, define
from metrics.redis.events import Announcer
from tests.serving.dashboard.stage import WORKSPACE, Look, Stage

pytestmark = pytest.mark.browser


@pytest.fixture
def admin(stage: Stage) -> Iterator[str]:
    """A key that may change definitions; the definitions are removed afterwards."""
    key, _ = stage.store.keys.create("admin", ["*"], ["read", "admin"])
    yield key
    stage.store.db["metric_definitions"].delete_many({})
    Announcer(stage.redis).announce(WORKSPACE)


def shown(look: Look, key: str) -> Page:
    look.enter(key=key)
    look.page.locator("#own").scroll_into_view_if_needed()
    look.page.wait_for_selector("#own-list :is(p, table)")
    return look.page


def violations(look: Look) -> list[str]:
    found = Axe().run(look.page, {"include": ["#own"]}).response["violations"]
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}" for one in found]


def test_metric_is_written_with_a_preview_saved_changed_and_retired(look: Look, admin: str) -> None:
    page = shown(look, admin)
    expect(page.locator("#own-list")).to_contain_text("The workspace has defined none.")
    page.focus("#own-new")
    page.keyboard.press("Enter")
    page.keyboard.type("like_rate")
    page.keyboard.press("Tab")
    page.keyboard.type("Rate of likes")
    page.focus("#own-expression")
    # The answer to what is half written is an error with its place.
    page.keyboard.type("percent(likez, ")
    expect(page.locator("#own-fault")).to_contain_text("The expression ends here")
    page.keyboard.type("views{platform=instagram})")
    expect(page.locator("#own-fault")).to_contain_text("At character 9: There is no metric likez: did you mean likes")
    line, caret = page.locator("#own-fault pre").inner_text().split("\n")
    assert line[caret.index("^") :].startswith("likez")
    assert page.get_attribute("#own-expression", "aria-invalid") == "true"
    assert violations(look) == []
    look.keep("own-fault")
    look.errors.clear()  # the browser reports refused requests
    page.fill("#own-expression", "percent(likes{platform=instagram}, views{platform=instagram})")
    expect(page.locator("#own-preview table tbody td")).to_have_count(9)
    expect(page.locator("#own-fault")).to_be_empty()
    expect(page.locator("#own-preview tbody td").last).to_contain_text("%")
    assert violations(look) == []
    look.keep("own-preview")
    page.focus("#own-save")
    page.keyboard.press("Enter")
    row = page.locator("#own-list tbody tr")
    expect(row).to_contain_text("Rate of likes")
    expect(row.locator("td.n")).to_contain_text("%")
    expect(page.locator("#own-said")).to_have_text("Rate of likes was saved.")
    expect(page.locator("#plot-own-metric canvas")).to_be_visible()
    assert violations(look) == []
    look.keep("own-list")
    page.click("#own-edit-like_rate")
    assert page.evaluate("document.activeElement.id") == "own-expression"
    page.fill("#own-title", "Likes by views")
    page.press("#own-title", "Enter")
    expect(row).to_contain_text("version 2")
    page.click("#own-retire-like_rate")
    expect(page.locator("#own-retire-like_rate")).to_have_text("Really retire?")
    page.click("#own-retire-like_rate")
    expect(page.locator("#own-list")).to_contain_text("The workspace has defined none.")
    assert page.evaluate("document.activeElement.id") == "own-new"
    assert look.errors == []


def test_key_without_the_scope_reads_only(look: Look, stage: Stage, admin: str) -> None:
    define(stage.store, WORKSPACE, [NewDefinition("loved", "Likes and saves", "likes + offered(saves)")], utcnow())
    Announcer(stage.redis).announce(WORKSPACE)
    page = shown(look, stage.reader)
    expect(page.locator("#own-list tbody tr")).to_contain_text("Likes and saves")
    expect(page.locator("#own")).to_contain_text("needs a key with the scope “admin”")
    assert page.locator("#own-new, #own-form, #own-list button").count() == 0
    assert violations(look) == []
    assert look.errors == []


@pytest.mark.parametrize("look", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_editor_fits_a_narrow_screen(look: Look, admin: str) -> None:
    page = shown(look, admin)
    page.click("#own-new")
    page.fill("#own-expression", "likes / 0 + " + "1000000 * comments + " * 6 + "likes")
    expect(page.locator("#own-fault pre")).to_be_visible()
    page.press("#own-expression", "Escape")
    expect(page.locator("#own-form")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "own-new"
    page.click("#own-new")
    look.keep("own-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
