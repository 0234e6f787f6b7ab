"""External assets: the platforms' APIs from which hours are collected, and the HTTP API that serves the metrics.

Dagster does not run them. They are declared so that its lineage shows where the metrics come from, and where they are
read.
"""

from urllib.parse import urlsplit

import dagster as dg

from metrics.documents import Platform
from metrics.platforms.registry import FACTS
from metrics.settings import load_settings
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED

_READ_BY_THE_API = [
    *(f"raw_{platform}" for platform in PLATFORMS_IMPLEMENTED),
    "daily_rollup",
    "weekly_rollup",
    "monthly_rollup",
    "account_forecasts",
    "hourly_forecasts",
    "anomalies",
    "post_outlooks",
    "breakout_posts",
    "content_decay",
    "best_times",
    "public_rollup",
]


def platform_api_key(platform: Platform) -> dg.AssetKey:
    """Return the key of the external asset for a platform's API."""
    return dg.AssetKey(f"{platform}_api")


def platform_api(platform: Platform) -> dg.AssetSpec:
    """Return the external asset for a platform's API."""
    url = urlsplit(load_settings().platform_url(platform))
    return dg.AssetSpec(
        platform_api_key(platform),
        group_name="platforms",
        kinds={platform},
        owners=["team:data"],
        description=f"{FACTS[platform].api_title}. Accounts, posts and insights are read from it at the end of each "
        "hour, with the tokens that were given when the accounts were connected.",
        # A user and a password in the setting are left out.
        metadata={"dagster/uri": f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}"},
    )


HTTP_API = dg.AssetSpec(
    "http_api",
    deps=_READ_BY_THE_API,
    group_name="serving",
    kinds={"http"},
    owners=["team:data"],
    description="The HTTP API, its event streams and the dashboard: they serve observations and rollups from MongoDB, "
    "and are notified of each write through Redis (docs/api.md).",
)
OUTSIDE = [*(platform_api(platform) for platform in PLATFORMS_IMPLEMENTED), HTTP_API]
