"""The embedded MongoDB and Redis need passwords, which nobody else on the machine can read."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from redis import Redis
from redis.exceptions import AuthenticationError, ResponseError

from metrics.documents import Document
from metrics.errors import RedisUnavailable, SettingsError, TidemarkError
from metrics.redis.client import connect as connect_redis
from metrics.redis.errors import redis_errors
from metrics.settings import load_settings
from metrics.store import Store
from tests.stack import Stack
from tidemark.home import Home
from tidemark.stack import mongo, redis
from tidemark.stack.logins import logins
from tidemark.stack.ports import HOST, free_port

_DOCUMENT = {"_id": 1, "kept": True}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def fill(mongo_url: str, redis_url: str) -> None:
    """Store a document and a key."""
    with MongoClient[Document](mongo_url) as client, Redis.from_url(redis_url) as cache:
        client["probe"]["probe"].insert_one(_DOCUMENT)
        cache.set("probe", "kept")


def assert_filled(mongo_url: str, redis_url: str) -> None:
    with MongoClient[Document](mongo_url) as client, Redis.from_url(redis_url) as cache:
        assert client["probe"]["probe"].find_one() == _DOCUMENT
        assert cache.get("probe") == b"kept"


def assert_closed(mongo_url: str, redis_url: str) -> None:
    """Check that neither server answers a client without the password."""
    ports = [int(url.rpartition("@")[2].partition("/")[0].rpartition(":")[2]) for url in (mongo_url, redis_url)]
    with MongoClient[Document](mongo.url(ports[0])) as client, pytest.raises(OperationFailure):
        client["probe"]["probe"].find_one()
    with Redis(host=HOST, port=ports[1]) as cache, pytest.raises((AuthenticationError, ResponseError)):
        cache.get("probe")


def doctor(stack: Stack) -> dict[str, bool]:
    """Return by check whether `tidemark doctor` finds it well."""
    command = [sys.executable, "-m", "tidemark.cli", "doctor", "--json"]
    ran = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=120, check=False)
    return {one["name"]: one["well"] for one in json.loads(ran.stdout)}


@pytest.mark.end_to_end
@pytest.mark.timeout(400)
def test_stack_over_the_data_of_an_earlier_version_needs_passwords_and_keeps_them(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "home" / "logs"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    # An earlier version started both servers without passwords, on other ports.
    ports = free_port(), free_port()
    earlier = [mongo.start(home / "mongo", ports[0], logs, seconds=90), redis.start(home / "redis", ports[1], logs)]
    fill(mongo.url(ports[0]), redis.url(ports[1]))
    for child in earlier:
        child.stop()

    stack = Stack(home, "--no-dagster", "--no-seed")
    stack.start()
    try:
        urls = stack.up["mongo"], stack.up["redis"]
        assert_filled(*urls)
        assert_closed(*urls)
        assert mode(home) == 0o700
        files = ["up.json", "logins.json", "mongo.key", "redis.conf", "secret.key"]
        assert {name: mode(home / name) for name in files} == dict.fromkeys(files, 0o600)
        secrets = [*json.loads((home / "logins.json").read_text()).values(), (home / "mongo.key").read_text().strip()]
        assert len(secrets) == 3
        shown = stack.command_lines()
        assert "mongod" in shown
        shown += "".join(log.read_text(errors="replace") for log in [*logs.glob("*.log"), home / "up.log"])
        assert [secret for secret in secrets if secret in shown] == []
        well = doctor(stack)
        assert {name: well[name] for name in ("MongoDB", "MongoDB's replica set", "Redis")} == {
            "MongoDB": True,
            "MongoDB's replica set": True,
            "Redis": True,
        }
        assert stack.get("/readyz").status_code == 200
        assert stack.stop() == []
        stack.start()
        # A shell with the variables of the first start can go on.
        assert (stack.up["mongo"], stack.up["redis"]) == urls
        assert_filled(*urls)
        assert_closed(*urls)
    finally:
        if stack.process.poll() is None:
            stack.stop()


def test_missing_or_wrong_password_is_one_line_that_names_the_variable(tmp_path: Path) -> None:
    home, ports = Home(tmp_path), (free_port(), free_port())
    known = logins(home)
    wrong = mongo.Login(known.mongo.key_file, "wrong"), redis.Login(known.redis.configuration, "wrong")
    children = [
        mongo.start(home.path / "mongo", ports[0], home.logs, seconds=90, login=known.mongo),
        redis.start(home.path / "redis", ports[1], home.logs, login=known.redis),
    ]
    try:
        for mongo_login, redis_login in ((None, None), wrong):
            settings = load_settings(
                mongo_url=mongo.url(ports[0], mongo_login), redis_url=redis.url(ports[1], redis_login)
            )
            with closing(Store.connect(settings)) as store, pytest.raises(SettingsError, match="TIDEMARK_MONGO_URL"):
                store.accounts.find()
            with (
                connect_redis(settings) as client,
                pytest.raises(RedisUnavailable, match="TIDEMARK_REDIS_URL"),
                redis_errors(),
            ):
                client.get("probe")
    finally:
        for child in children:
            child.stop()


def test_lost_logins_are_made_again_and_the_data_stays(tmp_path: Path) -> None:
    home, ports = Home(tmp_path), (free_port(), free_port())
    first = logins(home)
    assert logins(home) == first
    assert first.mongo.password not in repr(first)
    assert first.redis.password not in repr(first)
    for attempt in range(2):
        known = logins(home)
        urls = mongo.url(ports[0], known.mongo), redis.url(ports[1], known.redis)
        children = [
            mongo.start(home.path / "mongo", ports[0], home.logs, seconds=90, login=known.mongo),
            redis.start(home.path / "redis", ports[1], home.logs, login=known.redis),
        ]
        try:
            if attempt == 0:
                fill(*urls)
            assert_filled(*urls)
            assert_closed(*urls)
        finally:
            for child in children:
                child.stop()
        home.write("logins.json", "broken")
        (tmp_path / "mongo.key").unlink()
    assert logins(home).mongo.password != first.mongo.password


def test_folder_of_another_user_that_others_can_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_path: Path, _mode: int) -> None:
        raise PermissionError

    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "chmod", denied)
        with pytest.raises(TidemarkError, match="TIDEMARK_HOME"):
            Home(folder).create()
    Home(folder).create()
    assert mode(folder) == 0o700
