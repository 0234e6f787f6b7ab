"""What lies outside of Dagster: the platforms' APIs that the hours come from, and the HTTP API that serves the numbers.

Dagster runs neither. They are declared so that the lineage of a number begins where it comes from, and ends where it
is read.
"""

from urllib.parse import urlsplit

import dagster as dg

from metrics.documents import Platform
from metrics.settings import load_settings
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED

_NAMES: dict[Platform, str] = {
    "instagram": "Instagram's Graph API",
    "facebook": "Facebook's Graph API for Pages",
    "twitter": "X's API",
    "linkedin": "LinkedIn's API for organizations",
}
_READ_BY_THE_API = [
    *(f"raw_{platform}" for platform in PLATFORMS_IMPLEMENTED),
    "daily_rollup",
    "weekly_rollup",
    "monthly_rollup",
]


def platform_api_key(platform: Platform) -> dg.AssetKey:
    """Return the key of the API that the hours of a platform are read from."""
    return dg.AssetKey(f"{platform}_api")


def platform_api(platform: Platform) -> dg.AssetSpec:
    """Return the API that the hours of a platform are read from."""
    url = urlsplit(str(getattr(load_settings(), f"{platform}_url")))
    return dg.AssetSpec(
        platform_api_key(platform),
        group_name="platforms",
        kinds={platform},
        owners=["team:data"],
        description=f"{_NAMES[platform]}. Accounts, posts and insights are read from it at the end of each hour, with "
        "the tokens that were given when the accounts were connected.",
        # Without a user and a password, whatever the setting has.
        metadata={"dagster/uri": f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}"},
    )


HTTP_API = dg.AssetSpec(
    "http_api",
    deps=_READ_BY_THE_API,
    group_name="serving",
    kinds={"http"},
    owners=["team:data"],
    description="The HTTP API, its event streams and the dashboard: they serve observations and rollups from MongoDB, "
    "and learn of each write through Redis (docs/api.md).",
)
OUTSIDE = [*(platform_api(platform) for platform in PLATFORMS_IMPLEMENTED), HTTP_API]
