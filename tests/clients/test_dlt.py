"""dlt's source for any REST API reads lists by links, tokens and offsets to their ends, and gets the truth."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from metrics.documents import Platform
from simulator.twitter.world import PUBLIC
from tests.clients.apart import run_python
from tests.clients.living import NOW, living, near
from tests.simulator_fixture import Simulator

pytestmark = pytest.mark.clients
PLATFORMS: tuple[Platform, ...] = ("facebook", "instagram", "twitter", "linkedin")
RECENT = NOW - timedelta(days=4)


def test_dlt(simulator: Simulator, tmp_path: Path) -> None:
    simulator.set_clock(NOW)
    accounts = [simulator.world.account(platform, 0) for platform in PLATFORMS]
    given = {a.platform: {"token": a.token, "id": a.platform_account_id, "version": "202608"} for a in accounts}
    settings = tmp_path / "given.json"
    settings.write_text(json.dumps({**given, "since": int(RECENT.timestamp())}))
    *_, line = run_python("dlt", simulator.url, NOW, "dlt_sources:main", [settings], tmp_path)
    found = json.loads(line)

    posts = {platform: living(simulator, platform, "post", "reel") for platform in PLATFORMS}
    # Reels of a page are in a list of their own.
    posts["facebook"] = [post for post in posts["facebook"] if post.metric_type == "post"]
    for platform in PLATFORMS:
        ids = [row["id"] for row in found[f"{platform}_posts"]]
        assert ids == [post.platform_post_id for post in posts[platform]], platform
    for tweet, post in zip(found["twitter_posts"], posts["twitter"], strict=True):
        assert all(near(simulator, post, name, tweet["public_metrics"][name]) for name in PUBLIC)
    for platform, field in (("facebook", "post_media_view"), ("instagram", "reach")):
        recent = {p.platform_post_id: p for p in posts[platform] if p.published_at >= RECENT}
        rows = found[f"{platform}_insights"]
        assert [row[f"_{platform}_recent_id"] for row in rows] == list(recent)
        for row in rows:
            post = recent[row[f"_{platform}_recent_id"]]
            assert near(simulator, post, field, row["values"][0]["value"])
