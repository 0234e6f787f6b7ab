"""The lineage starts and ends with external assets, and says where the data are stored."""

import dagster as dg
import pytest

from metrics.documents import PLATFORMS
from pipelines.assets import ASSETS, EXPORTS
from pipelines.assets.outside import OUTSIDE
from pipelines.assets.sharded import sharded_asset
from pipelines.definitions import defs
from pipelines.resources import Tidemark


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_hour_comes_from_a_platform_and_every_number_reaches_the_api(platform: str) -> None:
    found = defs.get_repository_def().asset_graph
    api, raw = dg.AssetKey(f"{platform}_api"), dg.AssetKey(f"raw_{platform}")
    assert found.get(raw).parent_keys == {api}
    assert not found.get(api).is_materializable
    assert raw in found.get(dg.AssetKey("http_api")).parent_keys


@pytest.mark.parametrize("platform", PLATFORMS)
def test_hours_that_are_collected_in_shards_come_from_it_too(platform: str) -> None:
    asset = sharded_asset(platform)  # type: ignore[arg-type]
    found = dg.Definitions([*OUTSIDE, asset], resources={"tidemark": Tidemark()}).get_repository_def().asset_graph
    assert found.get(asset.key).parent_keys == {dg.AssetKey(f"{platform}_api")}


def test_stored_assets_name_their_collection_their_version_and_when_they_are_late() -> None:
    found = defs.get_repository_def().asset_graph
    stored = [key for one in ASSETS if isinstance(one, dg.AssetsDefinition) for key in one.keys if one not in EXPORTS]
    assert len(stored) == len(PLATFORMS) + 13
    for key in stored:
        node = found.get(key)
        assert str(node.metadata["dagster/uri"]).startswith("mongodb:///tidemark/")
        assert node.freshness_policy is not None
        assert (node.code_version is not None) == (not key.to_user_string().startswith("raw_"))
