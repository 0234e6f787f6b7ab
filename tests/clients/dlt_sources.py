"""dlt's source for any REST API, set up for the four platforms as its documentation has it; run by `redirected.py`.

Reads what it is given from the file that is its first argument, and prints what each resource gave as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

from dlt.sources.rest_api import RESTAPIConfig, rest_api_source

_LISTS = {"facebook": ("published_posts", "post_media_view"), "instagram": ("media", "reach")}


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text())
    configs = [graph(given, "facebook"), graph(given, "instagram"), x(given["twitter"]), linkedin(given["linkedin"])]
    found: dict[str, list[Any]] = {}
    for config in configs:
        found |= {name: list(resource) for name, resource in rest_api_source(config).resources.items()}
    sys.stdout.write(json.dumps(found, default=str))


def graph(given: dict[str, Any], platform: str) -> RESTAPIConfig:
    """Return a list by its `next` links, and the insights of each of its newest posts."""
    own, (edge, metric) = given[platform], _LISTS[platform]
    posts, recent = f"{own['id']}/{edge}", f"{platform}_recent"
    newest = {"path": posts, "params": {"fields": "id", "since": given["since"]}, "data_selector": "data"}
    insights = {
        "path": f"{{resources.{recent}.id}}/insights", "params": {"metric": metric}, "data_selector": "data",
        "paginator": "single_page",
    }  # fmt: skip
    return {
        "client": {
            "base_url": "https://graph.facebook.com/v25.0/",
            "auth": {"type": "api_key", "name": "access_token", "api_key": own["token"], "location": "query"},
            "paginator": {"type": "json_link", "next_url_path": "paging.next"},
        },
        "resources": [
            resource(f"{platform}_posts", posts, "data", fields="id", limit=20),
            {"name": recent, "endpoint": newest},
            {"name": f"{platform}_insights", "include_from_parent": ["id"], "endpoint": insights},
        ],
    }


def x(own: dict[str, Any]) -> RESTAPIConfig:
    """Return a timeline by its tokens."""
    asked = {"max_results": 100, "tweet.fields": "public_metrics"}
    return {
        "client": {
            "base_url": "https://api.x.com/2/",
            "auth": {"type": "bearer", "token": own["token"]},
            "paginator": {"type": "cursor", "cursor_path": "meta.next_token", "cursor_param": "pagination_token"},
        },
        "resources": [resource("twitter_posts", f"users/{own['id']}/tweets", "data", **asked)],
    }


def linkedin(own: dict[str, Any]) -> RESTAPIConfig:
    """Return posts by their place in the list, until a page is empty."""
    return {
        "client": {
            "base_url": "https://api.linkedin.com/rest/",
            "auth": {"type": "bearer", "token": own["token"]},
            "headers": {"Linkedin-Version": own["version"], "X-Restli-Protocol-Version": "2.0.0"},
            "paginator": {
                "type": "offset", "limit": 50, "offset_param": "start", "limit_param": "count", "total_path": None,
            },
        },
        "resources": [
            resource("linkedin_posts", "posts", "elements", q="author", author=f"urn:li:organization:{own['id']}")
        ],
    }  # fmt: skip


def resource(name: str, path: str, selector: str, **params: Any) -> Any:
    return {"name": name, "endpoint": {"path": path, "params": params, "data_selector": selector}}
