"""The assets: raw observations per platform, rollups per period, exports per day."""

from metrics.settings import load_settings
from pipelines.assets.export import export_parquet
from pipelines.assets.raw import raw_asset
from pipelines.assets.rollups import rollup_asset
from pipelines.assets.sharded import sharded_asset
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED

_raw = sharded_asset if load_settings().collect_shards > 1 else raw_asset
RAW = [_raw(platform) for platform in PLATFORMS_IMPLEMENTED]
ROLLUPS = [rollup_asset("daily"), rollup_asset("weekly"), rollup_asset("monthly")]
ASSETS = [*RAW, *ROLLUPS, export_parquet]
