"""Retired account insights of Meta are quarantined, like those of posts."""

import pytest

from metrics.documents import Platform
from pipelines.platforms.registry import api_facts
from tests.pipelines.collect.conftest import NOW, SLOT, Bench

RETIRED = {"facebook": ("page_media_view", "accountViews"), "instagram": ("reach", "reach")}
AT = SLOT.replace(hour=15), NOW.replace(hour=16)


@pytest.mark.parametrize("platform", RETIRED)
def test_retired_insight_of_accounts_is_not_asked_for_by_the_next_run(bench: Bench, platform: Platform) -> None:
    field, name = RETIRED[platform]
    for index in (8, 9):
        bench.connect(index, platform=platform)
    bench.simulator.set_faults({"kind": "retired_metric", "metric": field})
    bench.collect(*AT, platform=platform)
    found = [
        one
        for one in bench.store.quarantine.of(platform, api_facts(platform).api_version)
        if one["metricType"] == "account"
    ]
    assert name in {one["metric"] for one in found}
    bench.simulator.set_faults()


@pytest.mark.parametrize("platform", RETIRED)
def test_insight_that_one_account_has_is_not_retired(bench: Bench, platform: Platform) -> None:
    field, _ = RETIRED[platform]
    platform_ids = [bench.connect(index, platform=platform)["platformAccountId"] for index in (7, 8, 9)]
    bench.simulator.set_faults(
        *({"kind": "refused_metric", "metric": field, "account": one} for one in platform_ids[:2])
    )
    bench.collect(*AT, platform=platform)
    kinds = {one["metricType"] for one in bench.store.quarantine.of(platform, api_facts(platform).api_version)}
    assert "account" not in kinds
