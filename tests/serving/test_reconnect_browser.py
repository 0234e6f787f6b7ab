"""The dashboard's "Reconnect" in headless Chromium: from a dead token to the next collected hour."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Platform
from metrics.periods import HOUR, slot_of
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.collect.collector import Collector
from tests.serving.dashboard.stage import ARTEFACTS, launched
from tests.serving.logins import WORKSPACE, Desk, desk
from tests.simulator_fixture import Simulator

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with launched() as found:
        yield found


@pytest.fixture
def at(settings: Settings, store: Store, redis_client: Redis, simulator: Simulator) -> Iterator[Desk]:
    with desk(settings, store, redis_client, simulator, host="localhost") as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    yield context.new_page()
    context.close()


def dead(at: Desk, platform: Platform) -> AccountDocument:
    """Connect account 1 of a platform, and let its token die."""
    at.browser().connect(at.link(platform), account=1)
    (account,) = (one for one in at.accounts() if one["platform"] == platform)
    since = {"connectedAt": utcnow() - timedelta(days=2)}
    at.store.db["accounts"].update_one({"_id": account["_id"]}, {"$set": since})
    at.store.accounts.set_state(account["_id"], "needs_reauth", "the token was revoked")
    return at.store.accounts.get(account["_id"])


def opened(at: Desk, page: Page, *scopes: str) -> None:
    key, _ = at.store.keys.create("dashboard", [WORKSPACE], list(scopes))  # type: ignore[arg-type]
    page.goto(f"{at.url}/#key={key}")
    page.wait_for_selector("#accounts tbody tr")


def keep(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("platform", ["youtube", "tiktok"])
def test_account_with_a_dead_token_is_reconnected_and_collected_again(at: Desk, page: Page, platform: Platform) -> None:
    before = dead(at, platform)
    opened(at, page, "read", "admin")
    keep(page, f"reconnect-{platform}")
    with page.expect_popup() as popup:
        page.click("#accounts button.again")
    login = popup.value
    login.click("#go")
    login.check("input[name=account][value='1']")
    login.click("button[value=allow]")
    expect(login.locator("h1")).to_have_text("Connected")
    login.close()
    page.bring_to_front()
    page.reload()
    page.wait_for_selector("#accounts tbody tr")
    expect(page.locator("#accounts .again")).to_have_count(0)
    after = at.store.accounts.get(before["_id"])
    assert (after["state"], after["connectedAt"]) == ("active", before["connectedAt"])
    now = utcnow()
    collector = Collector(at.store, at.redis, Announcer(at.redis), Vault(at.settings.secret_keys), at.settings)
    report = collector.collect(platform, slot_of(now) - HOUR, run_id="run", now=now)
    assert (report.ok, report.failed) == (1, 0)


def test_other_account_at_the_platform_does_not_revive_it(at: Desk, page: Page) -> None:
    account = dead(at, "youtube")
    opened(at, page, "read", "admin")
    with page.expect_popup() as popup:
        page.click("#accounts button.again")
    login = popup.value
    login.click("#go")
    login.check("input[name=account][value='2']")
    login.click("button[value=allow]")
    expect(login.locator("main")).to_contain_text("Log out at YouTube")
    assert at.store.accounts.get(account["_id"])["state"] == "needs_reauth"


def test_opened_link_stays_on_the_page_for_a_browser_that_opens_no_tab(at: Desk, page: Page) -> None:
    dead(at, "youtube")
    page.add_init_script("window.open = () => null")
    opened(at, page, "read", "admin")
    page.click("#accounts button.again")
    link = page.locator("#accounts a.again")
    expect(link).to_have_text("Log in at YouTube")
    assert "/connect/youtube?ticket=tmc_" in str(link.get_attribute("href"))


def test_key_without_the_scope_is_shown_the_command(at: Desk, page: Page) -> None:
    account = dead(at, "tiktok")
    opened(at, page, "read")
    expect(page.locator("#accounts .again")).to_have_count(0)
    hint = page.locator("#accounts [data-tip^='run: tidemark']").get_attribute("data-tip")
    wanted = f"--workspace {WORKSPACE} --platform tiktok --account={account['platformAccountId']}"
    assert hint == f"run: tidemark accounts authorize {wanted}"


def test_platform_without_a_login_has_no_button(at: Desk, page: Page) -> None:
    account = dead(at, "youtube")
    at.store.db["accounts"].update_one({"_id": account["_id"]}, {"$set": {"platform": "bluesky"}})
    opened(at, page, "read", "admin")
    expect(page.locator("#accounts .badge")).to_contain_text("Token ended")
    expect(page.locator("#accounts .again")).to_have_count(0)


def test_missing_setting_is_told(
    settings: Settings, store: Store, redis_client: Redis, simulator: Simulator, page: Page
) -> None:
    with desk(settings, store, redis_client, simulator, host="localhost") as at:
        dead(at, "youtube")
    with desk(settings, store, redis_client, simulator, host="localhost", youtube_client_id=None) as at:
        opened(at, page, "read", "admin")
        page.click("#accounts button.again")
        expect(page.locator("#problem")).to_contain_text("the operator has to set TIDEMARK_YOUTUBE_CLIENT_ID")
