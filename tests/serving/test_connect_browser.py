"""Logins in headless Chromium against the simulator: each platform from the link to the connected account.

Serving is reached as `localhost` and the simulator as `127.0.0.1`. So the two are different sites for the browser, as
a platform and Tidemark are: cookies have to survive the way back from another site.
"""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page
from redis import Redis

from metrics.documents import Platform
from metrics.settings import Settings
from metrics.store import Store
from tests.serving.dashboard.stage import keep, launched
from tests.serving.logins import NEEDED, PLATFORMS, WORKSPACE, Desk, desk
from tests.simulator_fixture import Simulator

pytestmark = pytest.mark.browser

NEWEST = [("tiktok", "TikTok"), ("pinterest", "Pinterest")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with launched() as found:
        yield found


@pytest.fixture
def at(settings: Settings, store: Store, redis_client: Redis, simulator: Simulator) -> Iterator[Desk]:
    with desk(settings, store, redis_client, simulator, host="localhost") as opened:
        yield opened


class Screen:
    """A page of the browser, and everything that went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page, self.errors, self.hosts = page, list[str](), set[str]()
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.referrers.append(request.headers.get("referer", "")))
        self.referrers: list[str] = []

    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def to_platform(self, link: str) -> None:
        """Open the link, and press the button."""
        self.page.goto(link)
        self.page.click("#go")
        self.page.wait_for_selector("button[value=allow]")

    def keep(self, name: str) -> None:
        keep(self.page, name)


@pytest.fixture
def screen(browser: Browser) -> Iterator[Screen]:
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(30_000)
    yield Screen(context.new_page())
    context.close()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_person_connects_an_account(at: Desk, screen: Screen, platform: Platform) -> None:
    link = at.link(platform)
    screen.page.goto(link)
    assert WORKSPACE in screen.text()
    assert NEEDED[platform] in screen.text()
    screen.keep(f"connect-{platform}")
    screen.page.click("#go")
    screen.page.check("input[name=account][value='3']")
    screen.page.click("button[value=allow]")
    screen.page.wait_for_url(f"{at.url}/connect/{platform}/callback?*")
    assert screen.heading() == "Connected"
    (account,) = at.accounts()
    assert account["platformAccountId"] == at.simulator.world.account(platform, 3).platform_account_id
    assert account["handle"] in screen.text()
    assert screen.page.context.cookies(at.url) == []
    # Neither the ticket of the link nor the code of the way back goes to anybody as a referrer.
    assert not [one for one in screen.referrers if "ticket=" in one or "code=" in one]
    assert screen.errors == []
    screen.keep(f"connected-{platform}")


@pytest.mark.parametrize(("platform", "title"), [("facebook", "Facebook"), *NEWEST])
def test_refused_consent_is_told(at: Desk, screen: Screen, platform: str, title: str) -> None:
    screen.to_platform(at.link(platform))
    screen.page.click("button[value=deny]")
    screen.page.wait_for_url(f"{at.url}/connect/**")
    assert screen.heading() == "Not connected"
    assert f"You did not give Tidemark the permissions at {title}" in screen.text()
    assert "Nothing was stored." in screen.text()
    assert at.accounts() == []


@pytest.mark.parametrize(("platform", "title"), [("youtube", "YouTube"), *NEWEST])
def test_permission_that_was_switched_off_is_told(at: Desk, screen: Screen, platform: str, title: str) -> None:
    screen.to_platform(at.link(platform))
    screen.page.uncheck(f"input[value='{NEEDED[platform]}']")
    screen.page.click("button[value=allow]")
    screen.page.wait_for_url(f"{at.url}/connect/**")
    assert f"{title} did not grant {NEEDED[platform]}" in screen.text()
    assert at.accounts() == []


@pytest.mark.parametrize(("platform", "title"), NEWEST)
def test_code_that_was_used_is_told(at: Desk, screen: Screen, platform: str, title: str) -> None:
    screen.to_platform(at.link(platform))
    screen.page.click("button[value=allow]")
    screen.page.wait_for_url(f"{at.url}/connect/**")
    (code,) = parse_qs(urlsplit(screen.page.url).query)["code"]
    at.store.db["accounts"].delete_many({})
    screen.page.goto(at.link(platform))
    url = screen.page.get_attribute("#go", "href")
    (state,) = parse_qs(urlsplit(str(url)).query)["state"]
    screen.page.goto(f"{at.url}/connect/{platform}/callback?{urlencode({'code': code, 'state': state})}")
    assert screen.heading() == "Not connected"
    assert f"{title} did not accept the code of this login" in screen.text()
    assert at.accounts() == []


def test_reload_of_the_last_page_says_that_the_link_was_used(at: Desk, screen: Screen) -> None:
    screen.to_platform(at.link("threads"))
    screen.page.click("button[value=allow]")
    screen.page.wait_for_url(f"{at.url}/connect/**")
    assert screen.heading() == "Connected"
    screen.page.reload()
    assert "This link was used already" in screen.text()
    assert len(at.accounts()) == 1


@pytest.mark.parametrize("platform", ["twitter", "tiktok", "pinterest"])
def test_login_that_somebody_else_began_is_refused(at: Desk, screen: Screen, platform: str) -> None:
    """The platform's page, opened from an attacker's own login: this browser has no cookie of it."""
    theirs = at.browser().consent_url(at.link(platform))
    screen.page.goto(theirs)
    screen.page.click("button[value=allow]")
    screen.page.wait_for_url(f"{at.url}/connect/**")
    assert "begun in another browser" in screen.text()
    assert at.accounts() == []


def test_page_cannot_be_framed(at: Desk, screen: Screen) -> None:
    link = at.link("youtube")
    screen.page.goto(f"{at.simulator.url}/_control/clock")
    screen.page.set_content(f'<iframe id="f" src="{link}"></iframe>')
    screen.page.wait_for_function("() => document.getElementById('f').contentDocument === null")
    assert not [frame for frame in screen.page.frames if frame.url.startswith(at.url) and frame.locator("#go").count()]


def test_person_chooses_among_several_pages(at: Desk, screen: Screen) -> None:
    screen.to_platform(at.link("facebook"))
    for number in (1, 2):
        screen.page.check(f"input[name=further][value='{number}']")
    screen.page.click("button[value=allow]")
    screen.page.wait_for_url(f"{at.url}/connect/**")
    assert screen.heading() == "Choose Facebook accounts"
    assert at.accounts() == []
    screen.keep("choose-facebook")
    screen.page.click("#go")
    assert "Choose at least one of these accounts" in screen.text()
    chosen = [at.simulator.world.account("facebook", number).platform_account_id for number in (0, 2)]
    for one in chosen:
        screen.page.check(f"input[name=account][value='{one}']")
    screen.page.click("#go")
    assert screen.heading() == "Connected"
    assert sorted(one["platformAccountId"] for one in at.accounts()) == sorted(chosen)
    assert screen.page.context.cookies(at.url) == []
    # The page that asks again is answered with 400, which the console tells.
    assert [one for one in screen.errors if "400" not in one] == []
