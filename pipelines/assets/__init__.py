"""The assets: raw observations per platform, and rollups per period."""

from pipelines.assets.raw import raw_asset
from pipelines.assets.rollups import rollup_asset
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED

RAW = [raw_asset(platform) for platform in PLATFORMS_IMPLEMENTED]
ROLLUPS = [rollup_asset("daily"), rollup_asset("weekly"), rollup_asset("monthly")]
ASSETS = [*RAW, *ROLLUPS]
