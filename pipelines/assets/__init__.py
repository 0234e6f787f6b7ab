"""The assets: raw observations per platform, rollups per period, forecasts, anomalies and exports
per day, and external ones."""

from datetime import timedelta

import dagster as dg

from metrics import best_times as best_times_words
from metrics import breakouts as breakout_words
from metrics import content_decay as decay_words
from metrics import post_outlooks as outlook_words
from metrics.anomalies import MODEL as ANOMALY_MODEL
from metrics.catalog import DEFINITION_VERSION
from metrics.documents import Platform
from metrics.forecasts import CHALLENGER, HOURLY_MODEL
from metrics.forecasts import MODEL as FORECAST_MODEL
from metrics.periods import PERIODS
from metrics.settings import load_settings
from pipelines.assets.anomalies import anomalies
from pipelines.assets.breakouts import breakout_posts
from pipelines.assets.export import export_parquet
from pipelines.assets.forecast_models import forecast_models
from pipelines.assets.forecasts import account_forecasts, hourly_forecasts
from pipelines.assets.outside import OUTSIDE
from pipelines.assets.posts import best_times, content_decay, post_outlooks
from pipelines.assets.public import public_rollup, raw_public
from pipelines.assets.raw import raw_asset
from pipelines.assets.rollups import rollup_asset
from pipelines.assets.sharded import sharded_asset
from pipelines.assets.warehouse import export_warehouse
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED

_settings = load_settings()
_raw = sharded_asset if _settings.collect_shards > 1 else raw_asset
_HOURLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=2))
"""An hour is collected at its end, and the next one an hour later: a materialisation older than two hours is late."""
_SIX_HOURLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=14), warn_window=timedelta(hours=8))
"""The next hours are forecast after each six."""
_DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))
"""A day is forecast in the morning after it."""
_WEEKLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=15), warn_window=timedelta(days=8))
"""The asset of a week is made on the Monday after it."""


def _stored(asset: dg.AssetsDefinition, collection: str, **attributes: object) -> dg.AssetsDefinition:
    """Add metadata to an asset on where its data are stored, and other attributes that Dagster shows."""
    database = _settings.mongo_db
    where = {"dagster/table_name": f"{database}.{collection}", "dagster/uri": f"mongodb:///{database}/{collection}"}

    def described(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.merge_attributes(metadata=where).replace_attributes(**attributes)  # type: ignore[arg-type]

    return asset.map_asset_specs(described)


def _hours_of(platform: Platform) -> dg.AssetsDefinition:
    return _stored(_raw(platform), "metrics", freshness_policy=_HOURLY)


RAW = [_hours_of(platform) for platform in PLATFORMS_IMPLEMENTED]
ROLLUPS = [
    _stored(rollup_asset(period), "aggregated_metrics", code_version=str(DEFINITION_VERSION), freshness_policy=_HOURLY)
    for period in PERIODS
]
FORECASTS = [
    _stored(account_forecasts, "forecasts", code_version=FORECAST_MODEL, freshness_policy=_DAILY),
    _stored(hourly_forecasts, "hourly_forecasts", code_version=HOURLY_MODEL, freshness_policy=_SIX_HOURLY),
    _stored(forecast_models, "forecast_models", code_version=CHALLENGER, freshness_policy=_WEEKLY),
]
ANOMALIES = [_stored(anomalies, "anomalies", code_version=ANOMALY_MODEL, freshness_policy=_HOURLY)]
POSTS = [
    _stored(post_outlooks, "post_outlooks", code_version=outlook_words.MODEL, freshness_policy=_HOURLY),
    _stored(breakout_posts, "anomalies", code_version=breakout_words.MODEL, freshness_policy=_HOURLY),
    _stored(content_decay, "content_decay", code_version=decay_words.MODEL, freshness_policy=_DAILY),
    _stored(best_times, "best_times", code_version=best_times_words.MODEL, freshness_policy=_WEEKLY),
]
PUBLIC = [
    _stored(raw_public, "public_metrics", freshness_policy=_DAILY),
    _stored(public_rollup, "public_rollups", code_version=str(DEFINITION_VERSION), freshness_policy=_DAILY),
]
EXPORTS = [export_warehouse, *([export_parquet] if _settings.export_url is not None else [])]
ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    *OUTSIDE,
    *RAW,
    *ROLLUPS,
    *FORECASTS,
    *ANOMALIES,
    *POSTS,
    *PUBLIC,
    *EXPORTS,
]
