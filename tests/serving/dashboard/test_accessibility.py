"""Accessibility of the dashboard: axe finds no violation, and everything works by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from metrics.documents import PLATFORMS
from tests.serving.dashboard.stage import EMPTY, TROUBLED, WORKSPACE, Look, Stage

pytestmark = pytest.mark.browser
STOPS = (
    "[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex]')]"
    ".filter((node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility()).length"
)
SHOWN = "document.activeElement.dataset.tip === document.getElementById('tip').textContent"
PLACES = [
    "skip", "workspace", "collect", "theme", "leave", "range", "by", "csv", "filter-all", "plot-rate", "posts-type",
    "sort-likes",
]  # fmt: skip


def violations(look: Look) -> list[str]:
    found = Axe().run(look.page).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:4]]}" for v in found]


@pytest.mark.parametrize("look", [{"color_scheme": s} for s in ("light", "dark")], ids=["light", "dark"], indirect=True)
def test_axe_finds_no_violation(look: Look) -> None:
    page = look.open(drawn=True)
    page.locator("summary").first.click()
    assert violations(look) == []


VIEWS = {
    "empty": f"workspace={EMPTY}",
    "dead token": f"workspace={TROUBLED}",
    "filtered": f"workspace={WORKSPACE}&platform=linkedin",
}
SCREENS = {
    "light": {}, "dark": {"color_scheme": "dark"}, "phone": {"viewport": {"width": 390, "height": 844}},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}  # fmt: skip
# The colours depend on the scheme and the layout on the width: two screens show each colour and each layout.
on_screens = pytest.mark.parametrize(
    "look",
    [
        pytest.param(options, id=name, marks=() if name in ("light", "dark phone") else pytest.mark.long)
        for name, options in SCREENS.items()
    ],
    indirect=True,
)


@pytest.mark.timeout(300)
@on_screens
def test_axe_finds_no_violation_in_any_view(look: Look, stage: Stage) -> None:
    page = look.open()
    post = (page.locator("#posts tbody a").first.get_attribute("href") or "").split("post=")[1].split("&")[0]
    account = stage.accounts()[0]["_id"]
    views = VIEWS | {
        "account": f"workspace={WORKSPACE}&account={account}",
        "post": f"workspace={WORKSPACE}&post={post}",
    }
    found = {}
    for name, query in views.items():
        page.goto(f"{stage.url}?{query}")
        page.wait_for_selector("#stream.live")
        look.keep(f"{name} {look.page.viewport_size['width'] if look.page.viewport_size else ''}")
        found[name] = violations(look)
    page.goto(f"{stage.url}?workspace=nowhere")
    page.wait_for_selector("#gate:not([hidden])")
    found["gate"] = violations(look)
    assert found == {name: [] for name in found}
    assert look.errors == []


@pytest.mark.parametrize("look", [{"color_scheme": s} for s in ("light", "dark")], ids=["light", "dark"], indirect=True)
def test_axe_finds_no_violation_in_the_login_form(look: Look, stage: Stage) -> None:
    look.page.goto(stage.url)
    look.page.wait_for_selector("#login:not([hidden])")
    assert violations(look) == []


def test_keyboard_alone_goes_everywhere(look: Look, stage: Stage) -> None:
    page = look.page
    page.goto(stage.url)
    page.wait_for_selector("#key:focus")
    page.keyboard.type(stage.key)
    page.keyboard.press("Enter")
    page.wait_for_selector("#stream.live")
    page.wait_for_selector("#plot-rate canvas")
    page.evaluate(
        "window.visited = []; addEventListener('focusin', ({ target: { id, name, className } }) => "
        "visited.push(id || name || className))"
    )
    for _ in range(40):
        for _ in range(10):
            page.keyboard.press("Tab")
        if page.evaluate("visited.filter((one) => one === 'skip').length") == 2:
            break
    visited = page.evaluate("visited.slice(visited.indexOf('skip'))")
    places = [visited.index(name) for name in PLACES]
    assert places == sorted(places)


def test_tab_key_visits_the_page_in_few_steps(look: Look) -> None:
    page = look.open(drawn=True)
    explained = page.locator("[data-tip]").count()
    assert explained > 100
    # Each platform has a filter, a column and an account; each of the ten posts has a link to its page here and on the
    # platform.
    assert page.evaluate(STOPS) < 72 + 3 * len(PLATFORMS)


def test_arrow_keys_lead_to_every_explanation(look: Look) -> None:
    page = look.open()
    tips = page.locator("#platforms [data-tip]")
    tips.first.focus()
    for place in range(1, tips.count()):
        page.keyboard.press("ArrowRight")
        assert tips.nth(place).evaluate("(node) => node === document.activeElement")
        assert page.evaluate(SHOWN)
        assert page.is_visible("#tip")
    page.keyboard.press("Home")
    assert tips.first.evaluate("(node) => node === document.activeElement")


def test_arrow_keys_move_within_a_column_and_tab_returns_to_the_place(look: Look) -> None:
    page = look.open()
    page.click("#filter-linkedin")
    expect(page.locator("#posts tbody tr").filter(has_not=page.locator(".platform-linkedin"))).to_have_count(0)
    saves = page.locator("#posts tbody td:last-child .why")
    saves.first.focus()
    below = saves.nth(1)
    for key in ("ArrowDown", "Tab", "Shift+Tab"):
        page.keyboard.press(key)
        assert below.evaluate("(node) => node === document.activeElement") == (key != "Tab"), key


@pytest.mark.parametrize("look", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
@pytest.mark.parametrize("table", ["#platforms", "#posts"])
def test_focused_element_is_not_hidden_by_the_sticky_column(look: Look, table: str) -> None:
    look.open().locator(f"{table} td .why").first.focus()
    look.page.keyboard.press("ArrowRight")
    look.page.keyboard.press("ArrowLeft")
    assert look.page.evaluate(
        "((box, focused) => focused.contains(document.elementFromPoint(box.left + box.width / 2, box.top + 5)))"
        "(document.activeElement.getBoundingClientRect(), document.activeElement)"
    )


def test_explanation_stays_while_the_pointer_is_on_it(look: Look) -> None:
    page = look.open()
    page.locator("#platforms .why").first.hover()
    tip = page.locator("#tip").bounding_box()
    word = page.locator("#platforms .why").first.bounding_box()
    assert tip is not None
    assert word is not None
    page.mouse.move(word["x"] + 2, word["y"] + 2)
    page.mouse.move(word["x"] + 2, tip["y"] + tip["height"] / 2, steps=20)
    assert page.is_visible("#tip")
    page.evaluate("document.dispatchEvent(new Event('scroll'))")
    assert page.is_visible("#tip")
    page.mouse.move(2, 2)
    assert page.is_hidden("#tip")


def test_keyboard_keeps_its_place_when_a_table_is_sorted(look: Look) -> None:
    page = look.open()
    page.focus("#sort-likes")
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort] #sort-likes")
    assert page.evaluate("document.activeElement.id") == "sort-likes"
