"""For everyone: axe finds nothing, and a keyboard is enough."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.serving.dashboard.stage import Look, Stage

pytestmark = pytest.mark.browser
PLACES = ["skip", "workspace", "collect", "theme", "leave", "range", "by", "posts-type", "sort-likes", "hours-zone"]


def violations(look: Look) -> list[str]:
    found = Axe().run(look.page).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:4]]}" for v in found]


@pytest.mark.parametrize("look", [{"color_scheme": s} for s in ("light", "dark")], ids=["light", "dark"], indirect=True)
def test_axe_finds_no_violation(look: Look) -> None:
    page = look.open(drawn=True)
    page.locator("summary").first.click()
    assert violations(look) == []


@pytest.mark.parametrize("look", [{"viewport": {"width": 360, "height": 740}}], indirect=True)
def test_axe_finds_no_violation_on_a_phone(look: Look) -> None:
    look.open(drawn=True)
    assert violations(look) == []


@pytest.mark.parametrize("look", [{"color_scheme": s} for s in ("light", "dark")], ids=["light", "dark"], indirect=True)
def test_axe_finds_no_violation_at_the_door(look: Look, stage: Stage) -> None:
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
    page.wait_for_selector("#plot-rate .main-svg")
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


def test_keyboard_keeps_its_place_when_a_table_is_sorted(look: Look) -> None:
    page = look.open()
    page.focus("#sort-likes")
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort] #sort-likes")
    assert page.evaluate("document.activeElement.id") == "sort-likes"
