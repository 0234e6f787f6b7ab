"""Tests of `tidemark erase` on a collected, rolled-up and exported deployment: no identifying byte is left anywhere."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import psycopg2
import pytest
import yaml
from redis import Redis

from metrics.documents import AccountDocument
from metrics.ids import account_id
from metrics.redis.events import Announcer
from metrics.redis.keys import cache_key
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.assets.export import export_parquet
from pipelines.assets.raw import raw_asset
from pipelines.assets.rollups import rollup_asset
from pipelines.partitions import period_key, slot_key
from pipelines.resources import Clients
from tests.pipelines.deployment import Deployment
from tests.postgres import Postgres, postgres
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli
from tidemark.home import Home
from tidemark.stack.ports import HOST

NEVER = "sim.twitter.1.never-given-out"
NOBODY = 65534


@pytest.fixture
def deployment(
    few_posts: None, store: Store, redis_client: Redis, settings: Settings, simulator: Simulator, tmp_path: Path
) -> Deployment:
    """A deployment that collects from the simulator and exports to a folder."""
    changes: dict[str, Any] = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
    changes |= {"export_url": f"file://{tmp_path}/exports", "twitter_posts_per_day": 1000}
    clients = Clients(settings.model_copy(update=changes), store, redis_client, Announcer(redis_client))
    Home(settings.home).prepare()
    return Deployment(clients, simulator)


@pytest.fixture
def world(deployment: Deployment) -> Iterator[tuple[Deployment, dg.DagsterInstance]]:
    """A deployment whose Dagster storage is in files, as with `tidemark up`."""
    with dg.DagsterInstance.from_config(str(Home(deployment.clients.settings.home).dagster)) as instance:
        yield deployment, instance


@pytest.fixture
def on_postgres(deployment: Deployment, tmp_path: Path) -> Iterator[tuple[Deployment, dg.DagsterInstance, Postgres]]:
    """A deployment whose Dagster storage is in Postgres, as in deploy/dagster.yaml."""
    with postgres(tmp_path / "postgres", "secret") as server:
        place = {
            "scheme": "postgresql+psycopg2", "hostname": HOST, "port": server.port, "db_name": "dagster",
            "username": "dagster", "password": server.password,
        }  # fmt: skip
        home = Home(deployment.clients.settings.home).dagster
        found = yaml.safe_load((home / "dagster.yaml").read_text())
        (home / "dagster.yaml").write_text(yaml.safe_dump({**found, "storage": {"postgres": {"postgres_db": place}}}))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield deployment, instance, server


def connect(world: Deployment, index: int, token: str | None = None) -> tuple[AccountDocument, set[str]]:
    """Connect an X account; return it with the texts that identify it: ids, name, token."""
    there = world.simulator.world.account("twitter", index)
    own_id = account_id("w", "twitter", there.platform_account_id)
    opened = Vault(world.clients.settings.secret_keys).seal({"access_token": token or there.token}, own_id)
    account = world.connect(index, platform="twitter", _id=own_id, credentials=opened)
    return account, {own_id, there.platform_account_id, there.handle, token or there.token}


def collect_all(world: Deployment, instance: dg.DagsterInstance) -> None:
    hour = slot_key(world.hour - timedelta(hours=1))
    day = period_key((world.hour - timedelta(hours=1)).replace(hour=0))
    for asset, key in ((raw_asset("twitter"), hour), (rollup_asset("daily"), day), (export_parquet, day)):
        assert world.materialize(asset, [key], instance).success


def stands(mark: str, text: str) -> bool:
    """Tell whether an identifying text occurs in a text; the digits of one id may be part of another id."""
    return mark in text and re.search(rf"(?<!\d){re.escape(mark)}(?!\d)", text) is not None


def in_mongo(store: Store, marks: set[str]) -> set[str]:
    names = [name for name in store.db.list_collection_names() if not name.startswith("system.")]
    texts = {name: "\n".join(map(str, store.db[name].find())) for name in names}
    return {f"{name}: {mark}" for name, text in texts.items() for mark in marks if stands(mark, text)}


def in_redis(redis: Redis, marks: set[str]) -> set[str]:
    found = set()
    for name in redis.scan_iter():
        read: dict[bytes | str, Callable[[bytes], object]] = {
            b"stream": redis.xrange, b"set": redis.smembers, b"hash": redis.hgetall, b"string": redis.get,
        }  # fmt: skip
        text = f"{name!r} {read[redis.type(name)](name)!r}"
        found |= {f"{name.decode()}: {mark}" for mark in marks if stands(mark, text)}
    return found


def in_files(folder: Path, marks: set[str]) -> set[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = {path: f"{path} {path.read_bytes().decode('latin-1')}" for path in files}
    return {
        f"{path.relative_to(folder)}: {mark}" for path, text in texts.items() for mark in marks if stands(mark, text)
    }


def in_postgres(server: Postgres, marks: set[str]) -> set[str]:
    """Return which identifying texts occur in which tables."""
    connection = psycopg2.connect(
        host=HOST, port=server.port, user="dagster", password=server.password, dbname="dagster"
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        names = [name for (name,) in cursor.fetchall()]
        texts = {}
        for name in names:
            cursor.execute(f'SELECT * FROM "{name}"')
            texts[name] = str(cursor.fetchall())
    connection.close()
    return {f"{name}: {mark}" for name, text in texts.items() for mark in marks if stands(mark, text)}


def in_exports(folder: Path, marks: set[str]) -> set[str]:
    texts = [
        str(duckdb.execute(f"SELECT * FROM read_parquet('{path}', hive_partitioning = false)").fetchall())
        for path in folder.rglob("*.parquet")
    ]
    return {mark for mark in marks for text in texts if stands(mark, text)}


def everywhere(world: Deployment, tmp_path: Path, marks: set[str]) -> dict[str, set[str]]:
    home = Home(world.clients.settings.home)
    return {
        "mongo": in_mongo(world.clients.store, marks),
        "redis": in_redis(world.clients.redis, marks),
        "exports": in_exports(tmp_path / "exports", marks),
        "dagster": in_files(home.dagster, marks),
        "logs": in_files(home.logs, marks),
    }


def test_erased_account_leaves_no_byte_and_its_neighbour_stays(
    world: tuple[Deployment, dg.DagsterInstance], tmp_path: Path, on_stores: Store, cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    there, instance = world
    mine, marks = connect(there, 0)
    dead, dead_marks = connect(there, 1, token=NEVER)
    other, other_marks = connect(there, 2)
    collect_all(there, instance)
    posts = list(on_stores.db["posts"].find({"accountId": mine["_id"]}))
    assert posts
    marks |= {post[name] for post in posts for name in ("_id", "platformPostId")} | dead_marks
    there.clients.redis.set(cache_key("w", "metrics", "digest", "v"), mine["_id"])
    home = Home(there.clients.settings.home)
    (home.logs / "serving.log").write_text(
        f"GET /analytics/account/{mine['_id']}/metrics 200\nGET /analytics/post/{posts[0]['_id']}/metrics 200\n"
        f"GET /analytics/account/{other['_id']}/metrics 200\n"
    )
    before = everywhere(there, tmp_path, marks)
    assert all(before.values()), before
    # Dagster contains at most Tidemark's ids, never the platform's id or name of an account.
    assert in_files(home.dagster, marks - {mine["_id"], dead["_id"]}) == set()
    monkeypatch.setenv("TIDEMARK_EXPORT_URL", f"file://{tmp_path}/exports")
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    for account in (mine, dead):
        ran = cli("erase", "--account", account["_id"], "--yes")
        assert ran.code == 0, ran.err
    assert everywhere(there, tmp_path, marks) == {key: set() for key in before}
    assert other["_id"] in (home.logs / "serving.log").read_text()
    assert on_stores.observations.newest_slot({"accountId": other["_id"]}) is not None
    assert in_exports(tmp_path / "exports", other_marks) >= {other["_id"]}
    # Erase again, as if Dagster's storage could not be reached the first time.
    (home.logs / "late.log").write_text(f"{mine['_id']}\n")
    assert cli("erase", "--account", mine["_id"], "--yes").code == 0
    assert mine["_id"] not in (home.logs / "late.log").read_text()
    records = list(on_stores.db["erasures"].find())
    assert [(r["kind"], r["by"]) for r in records] == [("account", os.environ.get("USER") or records[0]["by"])] * 3


def test_caption_is_stored_with_its_post_alone_and_erased_with_its_account(
    world: tuple[Deployment, dg.DagsterInstance], tmp_path: Path, on_stores: Store, cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    there, instance = world
    mine, _ = connect(there, 0)
    planted = {"Planted caption", "planted caption"}
    picture = {"kind": "patch", "path": "tweets", "at": "includes.media.*.url", "value": "http://planted.example/"}
    there.simulator.set_faults(
        {"kind": "patch", "path": "tweets", "at": "data.*.text", "value": "Planted caption"}, picture
    )
    collect_all(there, instance)
    found = everywhere(there, tmp_path, {*planted, "planted.example", "x.com/"})
    stored = {f"posts: {mark}" for mark in (*planted, "x.com/")}
    # The picture was dropped, because its URL is not HTTPS. Neither it nor any other content is anywhere else.
    assert found == {"mongo": stored, "redis": set(), "exports": set(), "dagster": set(), "logs": set()}
    events = [event for run in instance.get_runs() for event in instance.all_logs(run.run_id)]
    materialized = [event.asset_materialization for event in events if event.asset_materialization]
    assert max(
        int(str(one.metadata["dropped_content"].value)) for one in materialized if "dropped_content" in one.metadata
    )
    # A backup holds posts with their content. What was erased since does not come back from it.
    settings = there.clients.settings
    assert cli("backup", str(tmp_path / "backup")).code == 0
    monkeypatch.setenv("TIDEMARK_EXPORT_URL", f"file://{tmp_path}/exports")
    monkeypatch.setenv("DAGSTER_HOME", str(Home(settings.home).dagster))
    assert cli("erase", "--account", mine["_id"], "--yes").code == 0
    assert everywhere(there, tmp_path, planted) == {name: set() for name in found}
    on_stores.client.drop_database(settings.mongo_db)
    ran = cli("restore", str(tmp_path / "backup"))
    assert ran.code == 0, ran.err
    assert everywhere(there, tmp_path, planted) == {name: set() for name in found}


def test_erased_workspace_leaves_no_byte(
    world: tuple[Deployment, dg.DagsterInstance], tmp_path: Path, on_stores: Store, cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    there, instance = world
    _, marks = connect(there, 0)
    collect_all(there, instance)
    monkeypatch.setenv("TIDEMARK_EXPORT_URL", f"file://{tmp_path}/exports")
    monkeypatch.setenv("DAGSTER_HOME", str(Home(there.clients.settings.home).dagster))
    assert cli("erase", "--workspace", "w", "--yes").code == 0
    found = everywhere(there, tmp_path, marks)
    assert found == {key: set() for key in found}
    assert list((tmp_path / "exports").rglob("workspaceId=w")) == []
    assert "workspaceId" not in (next((tmp_path / "exports" / "_manifests").iterdir())).read_text()


def test_account_is_erased_from_dagster_on_postgres_and_its_partitions_stay(
    on_postgres: tuple[Deployment, dg.DagsterInstance, Postgres], on_stores: Store, cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    there, instance, server = on_postgres
    mine, _ = connect(there, 1, token=NEVER)
    other, _ = connect(there, 2)
    collect_all(there, instance)
    (run, *_) = instance.get_runs()
    instance.add_run_tags(run.run_id, {"note": f"asked for {mine['_id']}"})
    tables = {place.partition(":")[0] for place in in_postgres(server, {mine["_id"]})}
    assert tables >= {"event_logs", "runs", "run_tags"}
    collected = instance.get_materialized_partitions(raw_asset("twitter").key)
    others = in_postgres(server, {other["_id"]})
    monkeypatch.setenv("DAGSTER_HOME", str(Home(there.clients.settings.home).dagster))
    ran = cli("erase", "--account", mine["_id"], "--yes")
    assert ran.code == 0, ran.err
    assert in_postgres(server, {mine["_id"]}) == set()
    assert in_postgres(server, {other["_id"]}) == others
    assert instance.get_materialized_partitions(raw_asset("twitter").key) == collected != set()


def readable_only(folder: Path) -> None:
    """Take the right to write from a folder and its files, as in a container whose root is read-only."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)


@contextmanager
def as_another_user(home: Path, *folders: Path) -> Iterator[None]:
    """Give the folders to another user and become that user: root may write whatever the mode of a file is."""
    if os.geteuid() != 0:
        yield
        return
    for path in (home, *(path for folder in folders for path in (folder, *folder.rglob("*")))):
        os.chown(path, NOBODY, NOBODY)
    for parent in home.parents:
        if parent.stat().st_mode & 0o111 != 0o111:
            parent.chmod(parent.stat().st_mode | 0o111)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_account_is_erased_where_dagster_home_is_read_only_and_its_storage_in_postgres(
    on_postgres: tuple[Deployment, dg.DagsterInstance, Postgres], on_stores: Store, cli: Cli, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The containers of docker-compose.yml: `dagster.yaml` is in a read-only image, the storage in Postgres."""
    there, instance, server = on_postgres
    mine, _ = connect(there, 1, token=NEVER)
    connect(there, 2)
    collect_all(there, instance)
    (run, *_) = instance.get_runs()
    instance.add_run_tags(run.run_id, {"note": f"asked for {mine['_id']}"})
    image = tmp_path / "image"
    image.mkdir()
    place = {
        "hostname": HOST, "port": server.port, "db_name": "dagster", "username": "dagster",
        "password_file": str(image / "password"),
    }  # fmt: skip
    (image / "password").write_text(f"{server.password}\n")
    custom = {"module": "pipelines.scale.postgres", "class": "PostgresStorage", "config": place}
    (image / "dagster.yaml").write_text(yaml.safe_dump({"storage": {"custom": custom}}))
    (image / "workspace.yaml").write_text("load_from: []\n")
    readable_only(image)
    monkeypatch.setenv("DAGSTER_HOME", str(image))
    assert in_postgres(server, {mine["_id"]})
    home = there.clients.settings.home
    with as_another_user(home, Home(home).logs, image):
        ran = cli("erase", "--account", mine["_id"], "--yes")
    assert ran.code == 0, ran.err
    assert in_postgres(server, {mine["_id"]}) == set()
    assert on_stores.erasures.unfinished() == []


def test_file_that_cannot_be_written_is_named_and_the_erasure_goes_on_later(
    world: tuple[Deployment, dg.DagsterInstance], on_stores: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, instance = world
    mine, _ = connect(there, 0)
    collect_all(there, instance)
    home = Home(there.clients.settings.home)
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    note = home.dagster / "note.log"
    note.write_text(f"{mine['_id']}\n")
    with as_another_user(home.path, home.logs, home.dagster):
        note.chmod(0o444)
        ran = cli("erase", "--account", mine["_id"], "--yes")
        assert ran.code == 1, ran.err
        assert f"{note} cannot be read, or has ids and cannot be written (Permission denied)" in ran.err
        assert "Redis" not in ran.err
        assert [one.name for one in on_stores.erasures.unfinished()] == [mine["_id"]]
        note.chmod(0o644)
        assert cli("erase", "--resume").code == 0
    assert mine["_id"] not in note.read_text()
    assert on_stores.erasures.unfinished() == []
