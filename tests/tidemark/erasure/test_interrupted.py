"""Tests that an erasure killed at any stage is finished by the next call: no data is left, other accounts stay."""

import os
import signal
from multiprocessing import get_context
from pathlib import Path

import dagster as dg
import pytest

from metrics.ids import account_id
from metrics.redis.keys import account_pause_key, cache_key
from metrics.settings import Settings
from metrics.store.erasures import Kind
from metrics.upkeep.erase import left_of
from metrics.vault import Vault
from tests.erasing import die_at
from tests.pipelines.deployment import Deployment
from tests.tidemark.commands import Cli
from tests.tidemark.erasure.test_world import collect_all, deployment, everywhere, world
from tidemark.checkup.stores import mongo
from tidemark.home import Home

SOME_STAGES: list[tuple[Kind, str]] = [
    ("account", "begun"), ("account", "posts"), ("account", "redis"), ("account", "outside"),
    ("workspace", "api_keys"), ("workspace", "dagster"),
]  # fmt: skip
"""The stages of every run: one of each kind of place that is cleaned. `make long` has all stages."""
STAGES: list[tuple[Kind, str]] = [
    *(
        ("account", stage)
        for stage in (
            "begun", "written down", "marked", "metrics", "posts", "accounts", "redis", "exports", "logs", "dagster",
            "outside",
        )
    ),
    *(("workspace", stage) for stage in ("begun", "api_keys", "subject_rollups", "accounts", "redis", "dagster")),
]  # fmt: skip


@pytest.fixture
def environment(deployment: Deployment, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the settings of the erasure, for this process and for the processes that are killed."""
    values = {
        "MONGO_URL": settings.mongo_url, "MONGO_DB": settings.mongo_db, "REDIS_URL": settings.redis_url,
        "HOME": str(settings.home), "SECRET_KEYS": settings.secret_keys[0].get_secret_value(),
        "EXPORT_URL": f"file://{tmp_path}/exports", "RETENTION_DAYS": str(settings.retention_days),
        "ROLLUP_RETENTION_DAYS": str(settings.rollup_retention_days),
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"TIDEMARK_{name}", str(value))
    monkeypatch.setenv("DAGSTER_HOME", str(Home(settings.home).dagster))


def connect(there: Deployment, index: int, workspace: str) -> tuple[str, set[str]]:
    """Connect an X account, and leave traces of it in all places; return its id, and the texts that identify it."""
    seen = there.simulator.world.account("twitter", index)
    own_id = account_id(workspace, "twitter", seen.platform_account_id)
    sealed = Vault(there.clients.settings.secret_keys).seal({"access_token": seen.token}, own_id)
    there.connect(index, platform="twitter", _id=own_id, workspaceId=workspace, credentials=sealed)
    there.clients.redis.set(cache_key(workspace, "metrics", f"digest-{index}", "v"), own_id)
    there.clients.redis.set(account_pause_key("twitter", f"{seen.platform_account_id}9"), 1)
    return own_id, {own_id, seen.platform_account_id, seen.handle, seen.token}


def killed(stage: str, kind: Kind, name: str) -> None:
    """Begin an erasure in a process of its own, and kill that at a stage."""
    # Each process is forked from one that has imported everything and has no connections: an import takes seconds.
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.erasing", "tidemark.cli", "tidemark.erasure", "dagster"])
    process = context.Process(target=die_at, args=(stage, ("erase", f"--{kind}", name, "--yes"), dict(os.environ)))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, stage


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("stages", [SOME_STAGES, pytest.param(STAGES, marks=pytest.mark.long)], ids=["some", "all"])
def test_killed_at_each_stage_and_finished(
    world: tuple[Deployment, dg.DagsterInstance], tmp_path: Path, cli: Cli, stages: list[tuple[Kind, str]]
) -> None:
    there, instance = world
    store = there.clients.store
    other, other_marks = connect(there, 40, "w")
    chosen: list[tuple[Kind, str, str, set[str]]] = []
    for index, (kind, stage) in enumerate(stages):
        workspace = "w" if kind == "account" else f"gone-{index}"
        own_id, marks = connect(there, index, workspace)
        store.keys.create("own", [workspace], ["read"])
        chosen.append((kind, stage, own_id if kind == "account" else workspace, marks))
    collect_all(there, instance)
    (run, *_) = instance.get_runs()
    for number, row in enumerate(store.db["accounts"].find()):
        instance.add_run_tags(run.run_id, {f"note-{number}": f"asked for {row['_id']}"})
    log = Home(there.clients.settings.home).logs / "serving.log"
    log.write_text("".join(f"GET /{own}\n" for own in [other, *(row["_id"] for row in store.db["accounts"].find())]))
    neighbour = {**left_of(store, "account", other)}
    seen_before = everywhere(there, tmp_path, other_marks)
    assert neighbour["metrics"]
    assert all(seen_before.values())
    for kind, stage, name, marks in chosen:
        marks |= {
            post[field] for post in store.db["posts"].find({f"{kind}Id": name}) for field in ("_id", "platformPostId")
        }
        killed(stage, kind, name)
        (unfinished,) = store.erasures.unfinished()
        assert (unfinished.kind, unfinished.name) == (kind, name)
        found = next(one for one in mongo(store, there.clients.settings) if one.name == "erasures")
        assert (found.well, name in found.detail) == (False, True)
        ran = cli("erase", "--resume")
        assert ran.code == 0, (stage, ran.err)
        assert everywhere(there, tmp_path, marks) == {key: set() for key in seen_before}, stage
        assert left_of(store, kind, name) == {}
        assert store.erasures.unfinished() == []
        assert store.erasures.on_record(kind, name)
    assert store.db["erasure_names"].count_documents({}) == 0
    assert left_of(store, "account", other) == neighbour
    # Cached answers of the workspace are deleted too, because they may contain numbers of the erased accounts.
    seen_before["redis"] = {place for place in seen_before["redis"] if ":cache:" not in place}
    assert everywhere(there, tmp_path, other_marks) == seen_before
    assert {key.workspaces for key in store.keys.find_all()} == {("w",)}
    assert cli("erase", "--resume").out == "no erasure is unfinished\n"
    # Later runs do not bring anything back.
    collect_all(there, instance)
    assert [left_of(store, kind, name) for kind, _, name, _ in chosen] == [{}] * len(chosen)
    every_mark = set().union(*(marks for *_, marks in chosen))
    assert everywhere(there, tmp_path, every_mark) == {key: set() for key in seen_before}


__all__ = ["deployment", "world"]
