"""Comparison of every recorded answer of the platforms with the simulator's: keys, types, nesting, headers."""

import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from metrics.documents import Platform
from simulator.world import SimAccount, SimPost
from tests.conftest import FIXTURES
from tests.simulator.conftest import NOW
from tests.simulator.not_compared import NOT_COMPARED
from tests.simulator.recorded_cases import CASES, Case
from tests.simulator_fixture import Simulator

PLATFORMS: dict[str, Platform] = {
    "instagram": "instagram", "facebook": "facebook", "x": "twitter", "linkedin": "linkedin",
    "youtube": "youtube",
}  # fmt: skip
_JSON = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
_LINKEDIN = {"Linkedin-Version": "202608", "X-Restli-Protocol-Version": "2.0.0"}
_NOT_OURS = {"date", "content-type"}


@cache
def index() -> dict[str, dict[str, Any]]:
    """Return the recorded answers of the platforms, by file name without suffix; empty if they are missing."""
    path = FIXTURES / "index.json"
    files = json.loads(path.read_text())["files"] if path.is_file() else []
    return {one["file"].removesuffix(".json"): one for one in files if one["platform"] in PLATFORMS}


def shape(value: Any, path: str = "") -> set[tuple[str, str]]:
    """Return the type at each path, such as `data[].id` a string; a list has the paths of all its elements."""
    if isinstance(value, dict) and value:
        return {one for key, each in value.items() for one in shape(each, f"{path}.{key}" if path else key)}
    if isinstance(value, list) and value:
        return {one for each in value for one in shape(each, f"{path}[]")}
    return {(path, _JSON.get(type(value), type(value).__name__))}


class Subjects:
    """Ids of accounts and posts for the placeholders of a case."""

    def __init__(self, api: Simulator) -> None:
        self.api = api
        storytellers = (self.account("instagram", n) for n in range(500))
        self.storyteller = next(a for a in storytellers if len(self.posts(a, 1, metric_type="story")) > 1)

    def account(self, platform: Platform, number: int = 0) -> SimAccount:
        return self.api.world.account(platform, number)

    def posts(self, account: SimAccount, days: int, **wanted: Any) -> list[SimPost]:
        found = self.api.world.posts(account, NOW - timedelta(days=days), NOW)
        return [p for p in found if p.visible(NOW) and all(getattr(p, k) == v for k, v in wanted.items())]

    def newest(self, platform: Platform, **wanted: Any) -> str:
        # A field without a value is missing, and the recorded posts have a caption.
        found = [post for post in self.posts(self.account(platform), 25, **wanted) if post.text]
        return found[-1].platform_post_id

    def names(self) -> dict[str, str]:
        urn = f"urn:li:organization:{self.account('linkedin').platform_account_id}"
        back = {n: str(int((NOW - timedelta(days=d)).timestamp())) for n, d in (("five", 5), ("three", 3))}
        return {
            **{name: self.account(name).platform_account_id for name in PLATFORMS.values()},
            "storyteller": self.storyteller.platform_account_id,
            "story": self.posts(self.storyteller, 1, metric_type="story")[0].platform_post_id,
            "image": self.newest("instagram", native=("IMAGE", "FEED")),
            "carousel": self.newest("instagram", content_type="carousel"),
            "reel": self.newest("instagram", metric_type="reel"),
            "post": self.newest("facebook", metric_type="post"),
            "fb_reel": self.newest("facebook", metric_type="reel"),
            "facebook_token": self.account("facebook").token,
            "handle": self.account("twitter").handle.replace(".", "_"),
            "tweet": self.newest("twitter"),
            "tweet_of_a_video": self.newest("twitter", content_type="video"),
            "urn": quote(urn, safe=""),
            "uploads": f"UU{self.account('youtube').platform_account_id[2:]}",
            "youtube_next": self.account("youtube", 1).platform_account_id,
            "youtube_video": self.newest("youtube"),
            "linkedin_video": quote(self.newest("linkedin", content_type="video"), safe=""),
            **{f"{name}_days_ago": at for name, at in back.items()},
        }


def fill_in_names(text: str, names: dict[str, str]) -> str:
    """Replace names in braces by ids; other braces are Graph API syntax."""
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


def ask(api: Simulator, platform: Platform, case: Case, subjects: Subjects) -> httpx.Response:
    names = subjects.names()
    account = subjects.account(platform)
    if {"{story}", "{storyteller}"} & {case.path.split("/")[0]}:
        account = subjects.storyteller
    token = app_token(api) if case.app_only else account.token
    headers = {"Authorization": f"Bearer {token}", **(_LINKEDIN if platform == "linkedin" else {})}
    graph = platform in ("instagram", "facebook")
    url = f"{api.url}/{'v25.0/' if graph else ''}{fill_in_names(case.path, names)}?{fill_in_names(case.query, names)}"
    if case.batch:
        elements = [{"method": "GET", "relative_url": fill_in_names(one, names)} for one in case.batch]
        return api.client.post(url, data={"batch": json.dumps(elements)}, headers=headers)
    return api.client.get(url, headers=headers)


def app_token(api: Simulator) -> str:
    answer = api.client.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("key", "secret"))
    return str(answer.json()["access_token"])


def part(body: Any, where: tuple[str | int, ...], names: dict[str, str]) -> Any:
    for step in where:
        body = body[fill_in_names(step, names) if isinstance(step, str) else step]
    return body


def opened(body: Any) -> Any:
    """Return the elements of a batch with parsed bodies, which are JSON within JSON, and without headers."""
    if not isinstance(body, list) or "body" not in body[0]:
        return body
    return [{**one, "body": "error" in json.loads(one["body"])} for one in body]


@pytest.mark.parametrize("name", [name for name in index() if name in CASES])
def test_answer_has_the_recorded_structure(fixtures: Path, api: Simulator, name: str) -> None:
    case, subjects = CASES[name], Subjects(api)
    platform = PLATFORMS[name.partition("/")[0]]
    if case.fault:
        api.set_faults(case.fault)
    answer, names = ask(api, platform, case, subjects), subjects.names()
    assert answer.status_code == case.status
    theirs = part(json.loads((fixtures / f"{name}.json").read_text()), case.theirs, names)
    found, wanted = (shape(opened(body)) for body in (part(answer.json(), case.ours, names), theirs))
    assert {path for path, _ in wanted - found} == case.lacks
    assert {path for path, _ in found - wanted} == case.adds
    assert set(index()[name].get("headers", {})) - _NOT_OURS <= set(answer.headers)
    assert "json" in answer.headers["content-type"]


def test_every_recorded_answer_is_compared_or_excused(fixtures: Path) -> None:
    assert fixtures
    assert not CASES.keys() & NOT_COMPARED.keys()
    assert CASES.keys() | NOT_COMPARED.keys() == index().keys()
