"""The job `maintain_daily` deletes data that is older than its retention."""

from datetime import timedelta
from pathlib import Path

from metrics.clock import utcnow
from metrics.documents import Observation
from metrics.export.folders import Folders, write_day
from metrics.redis.keys import events_key
from metrics.store.setup.namespaces import OWN
from metrics.store.workspace_settings import Days
from pipelines.ops.maintenance import MAINTAIN, maintain_daily
from tests.pipelines.deployment import Deployment


def test_what_is_older_than_a_workspace_keeps_is_deleted_and_counted(deployment: Deployment) -> None:
    store, now = deployment.clients.store, deployment.hour
    for name, age in (("old", 50), ("young", 5)):
        slot = now - timedelta(days=age)
        post = Observation("w", "a", "instagram", "post", slot, slot, {"likes": 1}, "r", "v", post_id=name)
        store.observations.append([post])
        record = {"workspaceId": "w", "accountId": "a", "platform": "instagram", "slot": slot, "state": "collected"}
        store.db["collections"].insert_one({"_id": name, **record})
    for name, age in (("old", 50), ("young", 5)):
        end = now - timedelta(days=age)
        row = {"_id": name, "workspaceId": "w", "accountId": "a", "period": "daily", "periodEnd": end}
        store.db["aggregated_metrics"].insert_one({**row, "periodStart": end - timedelta(days=1)})
    store.retention.set("w", Days(observations=30, rollups=30))
    maintained = deployment.having(retention_days=40)
    result = maintain_daily.execute_in_process(resources={"tidemark": maintained.resource})
    assert result.success
    assert [row["metadata"]["postId"] for row in store.db[OWN.log].find()] == ["young"]
    assert [row["_id"] for row in store.db["collections"].find()] == ["young"]
    assert [row["_id"] for row in store.db["aggregated_metrics"].find()] == ["young"]


def test_limits_of_the_terms_are_in_the_metadata(deployment: Deployment) -> None:
    deployment.connect(0, platform="youtube", access="public")
    deployment.connect(1, platform="youtube")
    result = maintain_daily.execute_in_process(resources={"tidemark": deployment.resource})
    (event,) = (one for one in result.all_events if one.is_successful_output and one.node_name == "apply_retention")
    found = {name: value.value for name, value in event.step_output_data.metadata.items()}
    assert found["accounts_with_a_limit"] == {"youtube, public: 30 days": 1}
    assert found["deleted_posts"] == 0


def test_account_whose_grant_ended_long_ago_keeps_no_numbers_anywhere(deployment: Deployment, tmp_path: Path) -> None:
    store, now = deployment.clients.store, utcnow()
    for index, days in enumerate((31, 29)):
        deployment.connect(index, platform="youtube")
        account = store.accounts.get(f"youtube{index}")
        slot = deployment.hour - timedelta(days=40)
        store.observations.append(
            [Observation("w", account["_id"], "youtube", "account", slot, slot, {"followers": 1}, "r", "v")]
        )
        store.accounts.disconnect(account["_id"], now - timedelta(days=days))
    kept = deployment.having(export_url=str(tmp_path))
    folders = Folders.open(kept.clients.settings)
    assert folders is not None
    day = slot.replace(hour=0)
    write_day(folders, store, day, run_id="r")
    result = maintain_daily.execute_in_process(resources={"tidemark": kept.resource})
    assert result.success
    assert [row["metadata"]["accountId"] for row in store.db[OWN.log].find()] == ["youtube1"]
    assert [entry["rows"] for entry in folders.manifest(f"{day:%Y-%m-%d}")] == [1]
    assert "30 days after its grant ended" in store.accounts.get("youtube0")["stateReason"]


def test_old_events_of_a_silent_workspace_are_deleted(deployment: Deployment) -> None:
    deployment.connect(0)
    redis = deployment.clients.redis
    for number in range(3):
        redis.xadd(events_key("w"), {"event": "old"}, id=f"{1000000000000 + number}-0")
    assert maintain_daily.execute_in_process(resources={"tidemark": deployment.resource}).success
    assert redis.xlen(events_key("w")) == 1


def test_it_runs_every_night_and_is_on() -> None:
    assert (MAINTAIN.cron_schedule, MAINTAIN.execution_timezone) == ("30 3 * * *", "UTC")
