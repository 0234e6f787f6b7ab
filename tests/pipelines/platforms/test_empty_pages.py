"""Tests of empty pages: one inside a list does not end the list, and a list of empty pages ends."""

import pytest

from metrics.documents import Platform
from pipelines.platforms.paging import EMPTY_PAGES
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from tests.pipelines.platforms.fetching import Fetching
from tests.simulator_fixture import Simulator


@pytest.mark.parametrize("platform", [name for name in PLATFORMS_IMPLEMENTED if name != "linkedin"])
def test_what_stands_behind_an_empty_page_is_read(simulator: Simulator, platform: Platform) -> None:
    fetching = Fetching(simulator, platform)
    whole = {post.platform_post_id for post, _ in fetching.read().posts}
    simulator.set_faults({"kind": "empty_page", "times": 2})
    assert {post.platform_post_id for post, _ in fetching.read().posts} == whole


def test_empty_page_of_linkedin_is_asked_for_again(simulator: Simulator) -> None:
    fetching = Fetching(simulator, "linkedin")
    simulator.set_faults({"kind": "empty_page", "times": 1})
    reading = fetching.read()
    assert not reading.failures
    assert reading.listed.keys() == {post.platform_post_id for post in fetching.here()}


@pytest.mark.parametrize("platform", PLATFORMS_IMPLEMENTED)
def test_list_of_empty_pages_ends(simulator: Simulator, platform: Platform) -> None:
    fetching = Fetching(simulator, platform)
    simulator.set_faults({"kind": "empty_page"})
    reading = fetching.read()
    assert reading.account.metrics
    assert fetching.tally.requests <= 3 * (EMPTY_PAGES + 3)
