"""The proofs, in their order: each is a function of the site, and fails by an exception."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx

from tests.containers.follower import Follower
from tests.containers.site import WORKSPACE, Failed, Site, until

READY = 900.0
ENDED = {"succeeded", "partial"}
LABELS = ("title", "description", "version", "licenses")
BEFORE_DEFAULT_LIMITS = "6b7fb194ff9c"
"""The Alembic revision of Dagster's storage before pools had a default limit (its migration 048)."""
KILLED = ("serving", "redis", "mongo", "postgres", "code", "daemon", "webserver")


def healthy(site: Site, service: str) -> bool:
    return site.health(service) == "running healthy"


def runs_again(site: Site, service: str, killed: int) -> bool:
    return site.pid(service) not in (0, killed)


def ended(site: Site, operation: str) -> bool:
    return site.state(operation) in ENDED


def becomes_healthy(site: Site) -> str:
    site.create()
    site.compose("up", "-d", "--wait", "--wait-timeout", str(int(READY)), seconds=READY + 60)
    running = ("mongo", "redis", "postgres", "code", "webserver", "daemon", "serving", "simulator")
    states = {name: site.health(name) for name in running}
    if set(states.values()) != {"running healthy"}:
        raise Failed(str(states))
    return "up -d --wait ended with 0"


def collects_rolls_up_serves_streams(site: Site) -> str:
    made = site.execute(
        "serving", "tidemark", "keys", "create", "proof", "--workspace", WORKSPACE, "--scope", "read", "--scope",
        "collect", "--json",
    )  # fmt: skip
    site.key = json.loads(made)["key"]
    for platform in ("instagram", "facebook"):
        site.connect(platform, 0)
    with Follower(site.address, site.key, WORKSPACE) as follower:
        operation = site.collect()
        took = until(partial(ended, site, operation), 600, "the operation ends")
        wanted = {"metrics:update", "metrics:post", "metrics:aggregated", "collection:status"}
        until(lambda: wanted <= follower.names(), 300, "a roll-up is announced")
    if not site.get(f"/analytics/workspace/{WORKSPACE}/posts")["data"]:
        raise Failed("no posts are served")
    if not site.get(f"/analytics/workspace/{WORKSPACE}/aggregated", period="daily")["data"]:
        raise Failed("no day is served")
    return f"collected in {took:.0f} s; {len(follower.events)} events"


def documented_commands_work(site: Site) -> str:
    """The commands of the pages that open Dagster's storage or the stores beside a service."""
    site.execute("code", "dagster", "instance", "concurrency", "set", "platform_instagram", "16")
    site.execute("code", "dagster", "instance", "migrate")
    site.execute("daemon", "dagster-daemon", "liveness-check")
    site.execute("serving", "tidemark", "retention", "list")
    site.execute("serving", "tidemark", "accounts", "list")
    site.compose("run", "--rm", "retention", "tidemark", "retention", "sync")
    site.compose("logs", "retention")
    failed = {one["name"]: one["detail"] for one in doctor(site, "code") if not one["well"] and not one["warning"]}
    ports = next(one for one in doctor(site, "serving") if one["name"] == "ports")
    if not ports["well"]:
        raise Failed(f"doctor in serving: {ports}")
    return f"doctor found {failed or 'nothing'}"


def doctor(site: Site, service: str) -> list[dict[str, Any]]:
    """Return the findings of `tidemark doctor` beside a service; its exit code is 1 if a check failed."""
    printed = site.compose("exec", "-T", service, "tidemark", "doctor", "--json", check=False)
    found: list[dict[str, Any]] = json.loads(printed[printed.index("[") : printed.rindex("]") + 1])
    return found


def down_and_up_keep_data(site: Site) -> str:
    """Every observation is the same afterwards; rollups may be newer, since the next hour may have been collected."""
    until_now = datetime.now(UTC).isoformat()
    before, days = observations(site, until_now), rolled_days(site)
    site.compose("down", seconds=300)
    site.compose("up", "-d", "--wait", "--wait-timeout", str(int(READY)), seconds=READY + 60)
    if observations(site, until_now) != before:
        raise Failed("the observations differ")
    if missing := days - rolled_days(site):
        raise Failed(f"rolled days are missing: {missing}")
    return f"{before.count(chr(10)) + 1} observations and {len(days)} days are the same"


def observations(site: Site, until: str) -> str:
    """Return all observations that were written until an instant, one per line."""
    script = (
        f"db.getSiblingDB('tidemark').metrics.find({{collectedAt: {{$lte: ISODate('{until}')}}}}).sort({{_id: 1}})"
        ".forEach((one) => print(EJSON.stringify(one)))"
    )
    return site.execute("mongo", "mongosh", "--quiet", "--eval", script).strip()


def rolled_days(site: Site) -> set[tuple[str, str]]:
    """Return account and start of each rolled day."""
    days = site.get(f"/analytics/workspace/{WORKSPACE}/aggregated", period="daily")["data"]
    return {(one["accountId"], one["periodStart"]) for one in days}


def backup_and_restore(site: Site) -> str:
    """Back up, get it out, and restore it into another database, from inside the volume and from the host."""
    # A proof that is run again needs a new folder, as every backup does.
    there = f"/var/lib/tidemark/backup/{datetime.now(UTC):%Y-%m-%dT%H%M%S}"
    site.execute("code", "tidemark", "backup", there)
    shutil.rmtree(site.folder / "backup", ignore_errors=True)
    site.compose("cp", f"code:{there}", "./backup")
    if not (site.folder / "backup" / "manifest.json").exists():
        raise Failed("the backup is not outside")
    day = datetime.now(UTC).date()
    rebuild = f"tidemark rebuild --from {day - timedelta(days=1)} --to {day} --check"
    drop(site, "tidemark_restored", "tidemark_again")
    restored = site.shell(f"compose exec -T -e TIDEMARK_MONGO_DB=tidemark_restored code tidemark restore {there}")
    site.shell(f"compose exec -T -e TIDEMARK_MONGO_DB=tidemark_restored code {rebuild}")
    site.compose("stop", "daemon", "code", "webserver")
    site.shell(
        "chown -R 10001 backup; "
        'compose run --rm --no-deps -v "$PWD/backup:/restore:ro" -e TIDEMARK_MONGO_DB=tidemark_again serving '
        "tidemark restore /restore"
    )
    site.shell(f"compose run --rm --no-deps -e TIDEMARK_MONGO_DB=tidemark_again serving {rebuild}")
    site.compose("up", "-d", "--wait", "--wait-timeout", str(int(READY)), seconds=READY + 60)
    return restored.splitlines()[0]


def drop(site: Site, *databases: str) -> None:
    """Drop databases of MongoDB, which an earlier proof may have restored."""
    for name in databases:
        site.execute("mongo", "mongosh", "--quiet", "--eval", f"db.getSiblingDB('{name}').dropDatabase()")


def storage_of_dagster_is_restored(site: Site) -> str:
    """Dump Dagster's storage, restore it into an empty database, and count the runs in both."""
    count = "SELECT count(*) FROM runs"
    site.shell("compose exec -T postgres pg_dump -U dagster -Fc dagster > dagster.dump")
    site.execute("postgres", "createdb", "-U", "dagster", "again")
    site.shell("compose exec -T postgres pg_restore -U dagster -d again < dagster.dump")
    runs = [
        site.execute("postgres", "psql", "-U", "dagster", "-d", name, "-Atc", count) for name in ("dagster", "again")
    ]
    site.execute("postgres", "dropdb", "-U", "dagster", "again")
    if int(runs[1]) == 0 or int(runs[0]) < int(runs[1]):
        raise Failed(f"runs before and after: {runs}")
    return f"{runs[1].strip()} runs restored"


def keys_are_rotated(site: Site) -> str:
    old = site.secret("tidemark_secret_keys")
    new = site.execute("code", "tidemark", "keys", "secret").strip()
    restart = ("restart", "code", "daemon", "webserver", "serving")
    site.write_secret("tidemark_secret_keys", f"{new},{old}")
    site.compose(*restart)
    until(lambda: site.get("/readyz")["status"] == "ok", 300, "serving is ready")
    resealed = site.execute("serving", "tidemark", "keys", "reseal")
    site.write_secret("tidemark_secret_keys", new)
    site.compose(*restart)
    until(partial(healthy, site, "code"), 400, "the code server is healthy")
    operation = until_collected(site)
    password = os.urandom(24).hex()
    site.execute(
        "postgres", "psql", "-U", "dagster", "-d", "dagster", "-c", f"ALTER USER dagster PASSWORD '{password}'"
    )
    site.write_secret("postgres_password", password)
    site.compose("restart", "code", "daemon", "webserver")
    until(partial(healthy, site, "code"), 400, "the code server is healthy")
    site.execute("daemon", "dagster", "instance", "concurrency", "get", "--all")
    return f"{resealed.strip()}; collected afterwards ({operation}); Postgres' password changed"


def until_collected(site: Site) -> str:
    operation = site.collect()
    until(partial(ended, site, operation), 600, "an operation ends")
    return site.state(operation)


def account_is_erased(site: Site) -> str:
    account_id = site.connect("twitter", 0)
    until_collected(site)
    printed = site.execute("code", "tidemark", "erase", "--account", account_id, "--yes")
    dumped = site.execute("postgres", "pg_dump", "-U", "dagster", "dagster")
    if account_id in dumped:
        raise Failed("the id is still in Postgres")
    if account_id in site.execute("code", "tidemark", "accounts", "list"):
        raise Failed("the account is still there")
    return printed.strip()


def each_container_is_killed(site: Site) -> str:
    """kill -9 each container while a collection runs; every accepted operation ends and is announced."""
    took: dict[str, float] = {}
    accepted: list[str] = []
    with Follower(site.address, site.key, WORKSPACE) as follower:
        for service in KILLED:
            accepted.append(site.collect())
            killed, began = site.pid(service), time.monotonic()
            os.kill(killed, signal.SIGKILL)
            until(partial(runs_again, site, service, killed), 60, f"{service} restarts")
            until(partial(healthy, site, service), 600, f"{service} is healthy again")
            until(lambda: site.get("/readyz")["status"] == "ok", 300, f"serving is ready after {service} was killed")
            took[service] = time.monotonic() - began
        for operation in accepted:
            until(partial(ended, site, operation), 900, f"{operation} ends")
        ids = [operation.rsplit("/", 1)[1] for operation in accepted]
        resets = [data["reason"] for name, data in follower.events if name == "reset"]
        until(
            lambda: bool(resets) or all(ENDED & set(follower.states(one)) for one in ids), 120, "every end is announced"
        )
    back = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
    return f"healthy again after: {back}; {len(accepted)} operations ended; resets: {resets or 'none'}"


def one_of_two_workers_is_killed(site: Site) -> str:
    site.profiles = ["simulator", "scale"]
    site.variables |= {"TIDEMARK_EXECUTOR": "celery", "TIDEMARK_COLLECT_SHARDS": "4"}
    site.compose("up", "-d", "--wait", "--scale", "worker=2", "--wait-timeout", str(int(READY)), seconds=READY + 60)
    latency(site, 800)
    operation = site.collect()
    until(lambda: site.state(operation) == "running", 300, "the operation runs")
    os.kill(site.pid("worker", 1), signal.SIGKILL)
    latency(site, 0)
    took = until(partial(ended, site, operation), 900, "the operation ends")
    state = site.state(operation)
    site.compose("rm", "--stop", "--force", "worker")
    for name in ("TIDEMARK_EXECUTOR", "TIDEMARK_COLLECT_SHARDS"):
        del site.variables[name]
    return f"{state} {took:.0f} s after the kill"


def latency(site: Site, milliseconds: int) -> None:
    ask = (
        "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8100/_control/latency', method='PUT', "
        f"data=b'{{\"ms\": {milliseconds}}}', headers={{'Content-Type': 'application/json'}}))"
    )
    site.execute("simulator", "python", "-c", ask)


def edge_serves_two_processes(site: Site) -> str:
    """TLS, HTTP/2, streams without buffering, and a stream that resumes while one of two processes restarts."""
    site.profiles = ["simulator", "edge"]
    site.variables |= {"TIDEMARK_BEHIND_TLS": "true"}
    site.compose("up", "-d", "--wait", "--scale", "serving=2", "--wait-timeout", str(int(READY)), seconds=READY + 60)
    edge = "https://localhost:8443"
    told = subprocess.run(
        ["curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", f"{edge}/readyz"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    if told != "2 200":
        raise Failed(f"curl says {told}")
    if "strict-transport-security" not in httpx.get(f"{edge}/healthz", verify=False).headers:
        raise Failed("no HSTS")
    failures = 0
    with Follower(lambda: edge, site.key, WORKSPACE) as one, Follower(lambda: edge, site.key, WORKSPACE) as two:
        subprocess.run(["docker", "restart", "-t", "15", "tidemark-serving-1"], check=True, capture_output=True)
        for _ in range(20):
            failures += httpx.get(f"{edge}/healthz", verify=False, timeout=30).status_code != 200
        operation = site.collect(edge)
        until(partial(ended, site, operation), 600, "the operation ends")
        name = operation.rsplit("/", 1)[1]
        until(lambda: all(ENDED & set(each.states(name)) for each in (one, two)), 120, "both streams have the end")
    if failures:
        raise Failed(f"{failures} of 20 requests failed during the restart")
    return f"HTTP/{told.split()[0]}; streams connected {one.connections} and {two.connections} times; no request failed"


def query(site: Site, statement: str) -> str:
    """Execute a statement in the database of Dagster's storage; return the values that it returns."""
    return site.execute("postgres", "psql", "-U", "dagster", "-d", "dagster", "-Atc", statement).strip()


def image_is_upgraded(site: Site) -> str:
    """Another image and back: the migration runs, data stay, and accounts are collected with both.

    Dagster's storage is put back as an older Dagster left it, so that there is something to migrate.
    """
    before = site.get(f"/analytics/workspace/{WORKSPACE}/aggregated", period="daily")["data"]
    site.profiles = ["simulator"]
    site.variables |= {"IMAGE": "tidemark:next"}
    site.compose("stop", "daemon", "code", "webserver")
    newest = query(site, "SELECT version_num FROM alembic_version")
    query(site, "ALTER TABLE concurrency_limits DROP COLUMN using_default_limit")
    query(site, f"UPDATE alembic_version SET version_num = '{BEFORE_DEFAULT_LIMITS}'")
    site.compose("up", "-d", "--wait", "--wait-timeout", str(int(READY)), seconds=READY + 60)
    migrated = query(site, "SELECT version_num FROM alembic_version")
    query(site, "SELECT using_default_limit FROM concurrency_limits")
    if migrated != newest:
        raise Failed(f"Dagster's storage is at {migrated}, not at {newest}")
    image = subprocess.run(
        ["docker", "inspect", "-f", "{{.Config.Image}}", "tidemark-serving-1"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if image != "tidemark:next":
        raise Failed(f"serving runs {image}")
    if len(site.get(f"/analytics/workspace/{WORKSPACE}/aggregated", period="daily")["data"]) < len(before):
        raise Failed("days are missing")
    collected = until_collected(site)
    site.variables |= {"IMAGE": "tidemark:0.1.0"}
    site.compose("stop", "daemon")
    site.compose("up", "-d", "--wait", "--wait-timeout", str(int(READY)), seconds=READY + 60)
    return (
        f"{collected} with {image}; Dagster's storage migrated from {BEFORE_DEFAULT_LIMITS} to {migrated}; "
        f"{until_collected(site)} with the image before"
    )


def image_is_complete(_site: Site) -> str:
    """The image has labels and its bill of materials, and any user of group 0 can run it and write its folders."""
    image = "tidemark:0.1.0"
    labels = json.loads(docker("inspect", "-f", "{{json .Config.Labels}}", image))
    if missing := {f"org.opencontainers.image.{name}" for name in LABELS} - labels.keys():
        raise Failed(f"labels are missing: {missing}")
    materials = json.loads(docker("run", "--rm", image, "cat", "/usr/local/share/sbom/tidemark.cdx.json"))
    if not {"dagster", "pymongo", "redis"} <= {one["name"] for one in materials["components"]}:
        raise Failed("the bill of materials does not list what is installed")
    script = 'tidemark --version && touch "$TIDEMARK_HOME/x" "$DAGSTER_HOME/x" "$HOME/x" && id -u'
    said = docker("run", "--rm", "--user", "54321:0", image, "sh", "-c", script).split()
    if said[-1] != "54321":
        raise Failed(f"the container says {said}")
    return f"{len(labels)} labels, {len(materials['components'])} components, {' '.join(said[:-1])} as user 54321"


def docker(*words: str) -> str:
    """Run a command of docker; return what it printed.

    Raises:
        Failed: it ended with another code than 0.
    """
    ran = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Failed(f"docker {' '.join(words)} ended with {ran.returncode}: {ran.stderr[-1000:]}")
    return ran.stdout


PROOFS: list[tuple[str, Callable[[Site], str]]] = [
    ("every service becomes healthy", becomes_healthy),
    ("an hour is collected, rolled up, served, streamed", collects_rolls_up_serves_streams),
    ("documented commands beside a service", documented_commands_work),
    ("down and up keep the data", down_and_up_keep_data),
    ("backup, getting it out, restore", backup_and_restore),
    ("Dagster's storage, dumped and restored", storage_of_dagster_is_restored),
    ("rotation of keys and of Postgres' password", keys_are_rotated),
    ("erasure of an account", account_is_erased),
    ("each container killed -9 under load", each_container_is_killed),
    ("two workers, one killed", one_of_two_workers_is_killed),
    ("edge: two processes, streams over a restart", edge_serves_two_processes),
    ("upgrade of the image, and back", image_is_upgraded),
    ("the image: labels, bill of materials, any user", image_is_complete),
]
