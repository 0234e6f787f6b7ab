"""Tests with all recorded answers: the numbers of each, and the results of recorded lists, batches and absent edges.

`recorded_numbers` has a row per answer, `not_read` names the answers that collection does not request, with reasons.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import PlatformError
from pipelines.platforms.facebook.api import Facebook
from pipelines.platforms.graph.client import Get, GraphApi
from pipelines.platforms.http.client import Http
from pipelines.platforms.quarantine import Quarantine
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import wanted
from tests.pipelines.platforms.not_read import NOT_READ
from tests.pipelines.platforms.recorded_numbers import EXPECTED
from tests.recorded import recorded

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_answer_comes_to_its_numbers(fixtures: Path, name: str) -> None:
    read, wanted = EXPECTED[name]
    assert read(recorded(fixtures, name)) == wanted


def test_every_recorded_answer_is_read_or_excused(fixtures: Path) -> None:
    folders = ("instagram", "facebook", "x", "linkedin", "youtube")
    found = {f"{path.parent.name}/{path.stem}" for name in folders for path in fixtures.glob(f"{name}/*.json")}
    excused = {name for name in found if name.partition("/")[2] in NOT_READ}
    assert found - excused == EXPECTED.keys()
    assert {name.partition("/")[2] for name in excused} == NOT_READ.keys()


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("restfb_batch_all_ok", [False, False]),
        ("restfb_batch_first_fails", [True, False]),
        ("restfb_batch_second_fails", [False, True]),
    ],
)
def test_batch_with_a_failing_element_keeps_the_rest(
    fixtures: Path, client: Http, server: Answering, name: str, failed: list[bool]
) -> None:
    server.say(recorded(fixtures, f"facebook/{name}"))
    results = GraphApi(client, "v25.0").batch("t", [Get("a", {}), Get("b", {})], Tally())
    assert [isinstance(result, PlatformError) for result in results] == failed


def test_list_that_pages_by_time_is_read_on(fixtures: Path, client: Http, server: Answering) -> None:
    paging = next(iter(recorded(fixtures, "facebook/keboola_feed_ids_reaction_summary_page1").values()))["paging"]
    made = {"created_time": utcnow().strftime("%Y-%m-%dT%H:%M:%S+0000")}

    def answer(path: str, params: dict[str, str]) -> Any:
        if path != "1/published_posts":
            return {"data": []} if "/" in path else {"id": path, "followers_count": 1}
        if "__paging_token" in params:
            return {"data": [{"id": "1_3", **made}]}
        return {"data": [{"id": "1_2", **made}], "paging": paging}

    server.element = answer
    access = Access("1", {"access_token": "t"})
    reading = Facebook(client, Quarantine()).read(access, wanted(), Tally())
    assert {post.platform_post_id for post, _ in reading.posts} == {"1_2", "1_3"}


def test_edge_that_is_silently_absent_is_a_missing_permission(fixtures: Path, client: Http, server: Answering) -> None:
    (body,) = recorded(fixtures, "facebook/keboola_page_ids_insights_edge_silently_absent").values()
    server.element = lambda path, _: {"data": []} if "/" in path else {**body, "id": path}
    post = Post("1_2", "post", "link", NOW)
    reading = Facebook(client, Quarantine()).read(Access("1", {"access_token": "t"}), wanted(post), Tally())
    ((_, found),) = reading.posts
    assert found.metrics == {"shares": 0}
    assert set(found.unavailable.values()) == {"permission_missing"}
