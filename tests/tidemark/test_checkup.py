"""Tests of `tidemark doctor`: it finds common problems, and tells what to do."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from cryptography.fernet import Fernet
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from pydantic import SecretStr
from redis import Redis

from metrics.clock import isoformat, utcnow
from metrics.collection.hours import hours_to_look_at
from metrics.documents import AccountDocument
from metrics.periods import midnight
from metrics.redis.keys import quota_key
from metrics.redis.quotas import quota_day
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from metrics.store.collections import record_id
from metrics.store.store_sizes import SizeSamples
from metrics.upkeep import sizes
from metrics.upkeep.sizes import Sizes
from metrics.vault import Vault, generate_secret_key
from metrics.watching.lists import NewWatch, watch
from metrics.watching.looks import note_refused
from pipelines.resources import clients
from tests.proxy import LOGIN, Authority, Proxy, web_server
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli
from tidemark.checkup import Finding, examine
from tidemark.home import Home
from tidemark.stack import locate
from tidemark.stack.ports import HOST, free_port


@pytest.fixture
def here(settings: Settings, simulator: Simulator) -> Settings:
    """Return the settings of one test, with the simulator for all platforms."""
    urls = {f"{name}_url": simulator.url for name in PLATFORM_APIS}
    return settings.model_copy(update=urls)


def findings(settings: Settings) -> dict[str, Finding]:
    """Return the findings by name."""
    return {finding.name: finding for finding in examine(settings, Home(settings.home))}


def connect(store: Store, settings: Settings, account_id: str = "acc_1", **changes: object) -> None:
    account: AccountDocument = {
        "_id": account_id,
        "workspaceId": "acme",
        "platform": "instagram",
        "platformAccountId": f"1784140000000000{account_id[-1]}",
        "handle": "a",
        "state": "active",
        "connectedAt": utcnow(),
        "credentials": Vault(settings.secret_keys).seal({"access_token": "t"}, account_id),
    }
    store.accounts.put([{**account, **changes}])  # type: ignore[typeddict-item]


def test_well_stack_has_no_trouble(store: Store, here: Settings) -> None:
    connect(store, here)
    found = findings(here)
    assert [f for f in found.values() if not f.well and f.name != "ports"] == []
    assert {"MongoDB's replica set", "Redis keeps events", "credentials", "collection", "twitter"} <= found.keys()
    assert found["Redis"].detail == f"{locate.redis_server()} answers"


def test_servers_out_of_reach_are_found(here: Settings) -> None:
    found = findings(
        here.model_copy(
            update={
                "mongo_url": f"mongodb://{HOST}:1/",
                "redis_url": f"redis://{HOST}:1",
                "twitter_url": f"http://{HOST}:1",
            }
        )
    )
    for name in ("MongoDB", "Redis", "twitter"):
        assert not found[name].well
        assert found[name].remedy
    assert "credentials" not in found


def test_account_that_was_connected_twice_is_found(store: Store, here: Settings) -> None:
    connect(store, here, "acc_1", platform="linkedin", platformAccountId="5500001")
    assert findings(here)["accounts connected twice"].well
    connect(store, here, "acc_2", platform="linkedin", platformAccountId="urn:li:organization:5500001")
    found = findings(here)["accounts connected twice"]
    assert (found.well, "acc_1 and acc_2" in found.detail, "erase" in found.remedy) == (False, True, True)


def test_two_spellings_with_a_word_are_found(store: Store, here: Settings) -> None:
    connect(store, here, "acc_1", platform="facebook", platformAccountId="123")
    connect(store, here, "acc_2", platform="facebook", platformAccountId="page:123")
    assert "acc_1 and acc_2" in findings(here)["accounts connected twice"].detail


def test_account_whose_id_is_none_is_found_with_what_to_do(store: Store, here: Settings) -> None:
    connect(store, here, "acc_1")
    assert findings(here)["ids of accounts"].well
    connect(store, here, "acc_2", platform="facebook", platformAccountId="page:acme")
    found = findings(here)["ids of accounts"]
    assert (found.well, "acc_2" in found.detail) == (False, True)
    assert "tidemark erase --account" in found.remedy


NAME = "graph.company.example"


@pytest.fixture
def company(here: Settings, tmp_path: Path) -> Iterator[tuple[Settings, Proxy]]:
    """Return settings with which Instagram is called through a proxy with a login, under a company's authority."""
    authority = Authority(tmp_path)
    with web_server(tls=authority.context(NAME)) as (port, _):
        proxy = Proxy({NAME: port}, LOGIN)
        changes = {"proxy": SecretStr(proxy.url), "ca_bundle": authority.bundle, "instagram_url": f"https://{NAME}"}
        yield here.model_copy(update=changes), proxy
        proxy.close()


def test_proxy_is_named_without_its_password(company: tuple[Settings, Proxy]) -> None:
    found, address = findings(company[0]), company[1].url.partition("@")[2]
    assert found["proxy"] == Finding("proxy", True, f"the proxy {address} (TIDEMARK_PROXY) for instagram")
    assert found["certificates"].detail.startswith("of 1 authorities in ")
    assert found["instagram"].well
    assert found["twitter"].well
    assert "s3cr3t" not in str(found)


def test_proxy_that_refuses_is_one_clear_line(company: tuple[Settings, Proxy], tmp_path: Path) -> None:
    here, address = company[0], company[1].url.partition("@")[2]
    there = f"https://{NAME}: the proxy {address} (TIDEMARK_PROXY)"

    def with_proxy(url: str, **changes: object) -> Finding:
        found = findings(here.model_copy(update={"proxy": SecretStr(url), **changes}))
        assert "s3cr3t" not in str(found)
        assert found["twitter"].well
        return found["instagram"]

    wrong_login = with_proxy(f"http://zoe:wr0ng@{address}")
    assert (wrong_login.detail, wrong_login.remedy) == (f"{there} wants another login (407)", "correct TIDEMARK_PROXY")
    refused = with_proxy(company[1].url, instagram_url="https://elsewhere.example")
    assert refused.detail.endswith("refuses the connection (403)")
    gone = f"http://zoe:s3cr3t@{HOST}:{free_port()}"
    assert with_proxy(gone).detail.endswith("cannot be reached")
    assert not findings(here.model_copy(update={"proxy": SecretStr(gone)}))["proxy"].well
    (tmp_path / "other").mkdir()
    untrusted = with_proxy(company[1].url, ca_bundle=Authority(tmp_path / "other").bundle)
    assert "its certificate is not from a trusted authority" in untrusted.detail
    assert "TIDEMARK_CA_BUNDLE" in untrusted.remedy


def test_credentials_that_no_key_opens_are_found(store: Store, here: Settings) -> None:
    connect(store, here)
    other = type(here.secret_keys[0])(generate_secret_key())
    found = findings(here.model_copy(update={"secret_keys": (other,)}))["credentials"]
    assert not found.well
    assert "acc_1" in found.detail
    assert "TIDEMARK_SECRET_KEYS" in found.remedy


def test_credentials_that_are_not_bound_or_of_another_account_are_found(store: Store, here: Settings) -> None:
    unbound = Fernet(here.secret_keys[0].get_secret_value()).encrypt(b'{"access_token": "t"}')
    connect(store, here, "acc_1")
    connect(store, here, "acc_2", credentials=unbound)
    found = findings(here)["credentials"]
    assert (found.well, found.warning) == (False, True)
    assert "1 of 2 are not bound to their account: acc_2" in found.detail
    assert "tidemark keys reseal" in found.remedy
    moved = store.accounts.get("acc_1")["credentials"]
    store.accounts.set_credentials("acc_2", moved)
    found = findings(here)["credentials"]
    assert (found.well, found.warning, "acc_2" in found.detail) == (False, False, True)


def test_accounts_that_wait_are_found(store: Store, here: Settings) -> None:
    connect(store, here, "acc_2", state="needs_reauth")
    found = findings(here)["accounts that wait"]
    assert (found.well, "acc_2" in found.detail) == (False, True)


def test_stale_collection_is_found(store: Store, here: Settings) -> None:
    connect(store, here, connectedAt=utcnow() - timedelta(hours=9))
    found = findings(here)["collection"]
    assert (found.well, found.detail) == (False, "nothing was collected yet")


def test_account_without_a_record_of_yesterday_is_found(store: Store, here: Settings) -> None:
    connect(store, here, connectedAt=utcnow() - timedelta(days=3))
    first, *later = hours_to_look_at(utcnow())
    store.collections.put(
        {
            "_id": record_id("acc_1", slot), "workspaceId": "acme", "accountId": "acc_1", "platform": "instagram",
            "slot": slot, "state": "collected", "finishedAt": slot + timedelta(hours=1), "runId": "r",
            "observations": 1, "calls": 1,
        }
        for slot in later
    )  # fmt: skip
    found = findings(here)["missing hours"]
    assert (found.well, found.warning) == (False, False)
    assert found.detail == f"1 since yesterday, the oldest {isoformat(first)}; accounts without a record: 1 instagram"
    assert "missed_hours" in found.remedy


def test_old_mark_is_a_warning(store: Store, here: Settings) -> None:
    store.marks.touch([("acme", "daily", midnight(utcnow().date()))])
    assert findings(here)["rollups to do"].well
    store.db["roll_marks"].update_many({}, {"$set": {"touchedAt": utcnow() - timedelta(minutes=17)}})
    found = findings(here)["rollups to do"]
    assert (found.well, found.warning) == (False, True)
    assert found.detail == "1 daily; the oldest for 17 minutes"
    assert "late_data" in found.remedy


def test_process_with_another_retention_than_the_database_is_found(store: Store, here: Settings) -> None:
    differs = here.model_copy(update={"retention_days": here.retention_days - 1})
    for settings, well in ((here, True), (differs, False), (here, True)):
        opened = clients(settings)
        try:
            found = findings(here)
        finally:
            clients.cache_clear()
            opened.store.close()
            opened.redis.close()
        # The settings of the checking shell always agree with the database.
        assert found["retention"].well
        assert found["retention of processes"].well is well
        if not well:
            said = f"Dagster on {socket.gethostname()}: the database keeps metrics for {here.retention_days} days, "
            assert found["retention of processes"].detail.startswith(said)
            assert "set the variable alike for every process" in found["retention of processes"].remedy


def test_sizes_are_shown_with_their_growth(store: Store, here: Settings, redis_client: Redis) -> None:
    connect(store, here)
    found = findings(here)
    assert "a day" not in found["MongoDB's size"].detail
    assert found["disk ahead"].well
    now = sizes.measure(store, redis_client, here.home, None, utcnow() - timedelta(days=2))
    before = {**now.collections, "accounts": now.collections["accounts"] - 4_000_000}
    sizes.keep(store, Sizes(now.at, {**now.stores, "mongodb": sum(before.values())}, before, now.free))
    assert re.match(r"\d+ [kM]B \(\+2 MB a day\): \w+ \d+ [kM]B \(\+", findings(here)["MongoDB's size"].detail)


@pytest.mark.parametrize(("days", "well", "warning"), [(100, True, False), (10, False, True), (2, False, False)])
def test_disk_that_will_be_full_is_found(
    store: Store,
    here: Settings,
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    well: bool,
    warning: bool,
) -> None:
    # A real disk is filled and emptied by others meanwhile, so its free bytes are given.
    monkeypatch.setattr(sizes, "disk_usage", lambda _: SimpleNamespace(free=10**12))
    monkeypatch.setattr(SizeSamples, "free_bytes", lambda _: 10**12)
    now = sizes.measure(store, redis_client, here.home, None, utcnow() - timedelta(days=1))
    free = {name: size + size // days for name, size in now.free.items()}
    sizes.keep(store, Sizes(now.at, now.stores, now.collections, free))
    found = findings(here)["disk ahead"]
    assert (found.well, found.warning) == (well, warning), found
    assert f"is full in {days} days" in found.detail
    assert well or "docs/runbook.md" in found.remedy


def run_under_way(instance: DagsterInstance, **tags: str) -> str:
    run: DagsterRun = create_run_for_test(
        instance, job_name="collect_hourly", status=DagsterRunStatus.STARTING, tags=tags
    )
    instance.report_dagster_event(
        DagsterEvent(DagsterEventType.RUN_START.value, "collect_hourly", message="began"), run_id=run.run_id
    )
    return run.run_id


def test_run_that_hangs_is_found(here: Settings) -> None:
    home = Home(here.home)
    home.prepare()
    with DagsterInstance.from_config(str(home.dagster)) as instance:
        without_process = run_under_way(instance)
        too_long = run_under_way(instance, **{"dagster/max_runtime": "0"})
    found = findings(here)["runs that hang"]
    assert not found.well
    assert f"collect_hourly {without_process[:8]}: no code server is noted for this run" in found.detail
    assert f"collect_hourly {too_long[:8]} has been under way for 0 minutes, and may take 0" in found.detail
    assert "terminate them in the Dagster UI" in found.remedy


def test_warning_does_not_fail_the_command(cli: Cli, on_stores: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("disk ahead", False, "full in 10 days", "free some space", warning=True)]
    monkeypatch.setattr("tidemark.checkup.examine", lambda *_: found)
    ran = cli("doctor")
    assert (ran.code, ran.out) == (0, "warn disk ahead: full in 10 days\n     free some space\n")


def test_redis_that_evicts_or_forgets_is_found(store: Store, here: Settings, redis_client: Redis) -> None:
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    redis_client.config_set("appendonly", "no")
    try:
        found = findings(here)
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")
        redis_client.config_set("appendonly", "yes")
    assert not found["Redis evicts"].well
    assert not found["Redis keeps events"].well


def test_daily_quota_that_is_nearly_used_is_a_warning(store: Store, here: Settings, redis_client: Redis) -> None:
    assert findings(here)["daily quotas"].well
    units = here.units_per_day("youtube")["general"]
    redis_client.set(quota_key("youtube", "general", quota_day("youtube", utcnow())), units - 1)
    found = findings(here)["daily quotas"]
    assert (found.well, found.warning) == (False, True)
    assert f"youtube general {units - 1} of {units}" in found.detail


def test_taken_port_is_found(here: Settings) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = findings(here.model_copy(update={"http_port": port}))["ports"]
    assert f"{port} (TIDEMARK_HTTP_PORT)" in found.detail


def test_port_of_a_service_of_the_deployment_is_no_trouble(here: Settings, simulator: Simulator) -> None:
    """`docker compose exec serving tidemark doctor` runs beside the service that listens."""
    port = int(simulator.url.rpartition(":")[2])
    found = findings(here.model_copy(update={"simulator_port": port, "http_port": free_port()}))["ports"]
    assert f"Tidemark listens on {port}" in found.detail
    assert found.well
    # The simulator is not the API.
    found = findings(here.model_copy(update={"http_port": port, "simulator_port": free_port()}))["ports"]
    assert f"{port} (TIDEMARK_HTTP_PORT)" in found.detail
    assert not found.well


def test_leftovers_of_a_killed_stack_are_found(here: Settings) -> None:
    left = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    try:
        Home(here.home).write("pids.json", [[left.pid, psutil.Process(left.pid).create_time()]])
        assert str(left.pid) in findings(here)["leftovers"].detail
    finally:
        left.kill()
        left.wait()


def test_unknown_variables_are_found(here: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEMARK_COLOUR", "blue")
    (tmp_path / ".env").write_text("TIDEMARK_MONGO_URI=mongodb://x\n")
    found = findings(here)["variables"]
    assert not found.well
    assert "TIDEMARK_COLOUR is no setting" in found.detail
    assert "did you mean TIDEMARK_MONGO_URL?" in found.detail


def test_different_versions_of_dagster_are_found(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidemark.checkup.machine.version", lambda name: "1" if name == "dagster" else "2")
    assert findings(here)["Dagster's packages"].detail == "dagster is 1, dagster-webserver 2"


def test_silent_daemon_and_stopped_schedule_are_found(here: Settings) -> None:
    home = Home(here.home)
    home.prepare()
    origin = RemoteRepositoryOrigin(InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="m")), "r")
    with DagsterInstance.from_config(str(home.dagster)) as instance:
        schedule, kind = RemoteInstigatorOrigin(origin, "collect_hourly"), InstigatorType.SCHEDULE
        data = ScheduleInstigatorData("0 * * * *")
        instance.add_instigator_state(InstigatorState(schedule, kind, InstigatorStatus.STOPPED, data))
    found = findings(here)
    assert "no heartbeat of" in found["Dagster's daemon"].detail
    assert found["schedules and sensors"].detail == "switched off: collect_hourly"


def test_exit_code_and_json(cli: Cli, on_stores: Store, monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    for name in PLATFORM_APIS:
        monkeypatch.setenv(f"TIDEMARK_{name.upper()}_URL", simulator.url)
    monkeypatch.setenv("TIDEMARK_HTP_PORT", "1")
    ran = cli("doctor", "--json")
    assert ran.code == 1
    assert [f["name"] for f in json.loads(ran.out) if not f["well"] and f["name"] != "ports"] == ["variables"]


def test_watched_account_that_is_not_read_is_a_warning(store: Store, here: Settings) -> None:
    watch(store, "acme", NewWatch("bluesky", "rival.bsky.social"), utcnow() - timedelta(days=4), 9)
    found = findings(here)["watched accounts"]
    assert (found.well, found.warning, found.detail) == (False, True, "1 were not looked at for 2 days")
    assert "read_watched" in found.remedy
    note_refused(store, store.watch_lists.all("acme")[0], "not_found", "It is not shown.", utcnow())
    assert findings(here)["watched accounts"].well


def test_old_mark_of_public_numbers_is_a_warning_too(store: Store, here: Settings) -> None:
    store.public.marks.touch([("acme", "daily", midnight(utcnow().date()))])
    store.db["public_roll_marks"].update_many({}, {"$set": {"touchedAt": utcnow() - timedelta(minutes=17)}})
    assert findings(here)["rollups to do"].detail == "1 daily; the oldest for 17 minutes"
