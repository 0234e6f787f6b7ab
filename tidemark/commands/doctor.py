"""`tidemark doctor`: what is reachable, what is missing, what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import requests
import typer

from metrics import redisdb
from metrics.accounts import Vault
from metrics.errors import TidemarkError
from metrics.settings import Settings
from metrics.store import Store
from tidemark.commands.console import out, print_json
from tidemark.commands.stores import effective_settings
from tidemark.home import Home
from tidemark.stack import locate


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `remedy` says what to do where it is not well."""

    name: str
    well: bool
    detail: str
    remedy: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False) -> None:
    """Look for the usual trouble; the exit code is 1 if there is any."""
    findings = list(_look(effective_settings()))
    if as_json:
        print_json([{"name": f.name, "well": f.well, "detail": f.detail, "remedy": f.remedy} for f in findings])
    else:
        for finding in findings:
            mark = "[green]ok  [/green]" if finding.well else "[red]fail[/red]"
            out.print(
                f"{mark} {finding.name}: {finding.detail}" + (f"\n     {finding.remedy}" if finding.remedy else "")
            )
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _look(settings: Settings) -> Iterator[Finding]:
    yield _try("mongod", lambda: _server(settings.mongo_url, locate_mongod), "install it, or set TIDEMARK_MONGO_URL")
    yield _try(
        "redis-server", lambda: _server(settings.redis_url, locate_redis), "install it, or set TIDEMARK_REDIS_URL"
    )
    yield _try("secret keys", lambda: _keys(settings), "set TIDEMARK_SECRET_KEYS; `tidemark keys secret` makes one")
    yield _try("MongoDB", lambda: _mongo(settings), "run `tidemark up`, or check TIDEMARK_MONGO_URL")
    yield _try("Redis", lambda: _redis(settings), "run `tidemark up`, or check TIDEMARK_REDIS_URL")
    up = Home(settings.home.resolve()).read("up.json") or {}
    if up:
        yield _try("HTTP API", lambda: _http(f"{up['http']}/readyz"), "see logs/serving.log in TIDEMARK_HOME")
        if up["dagster"]:
            yield _try("Dagster", lambda: _http(f"{up['dagster']}/server_info"), "see logs/dagster-webserver.log")


def _try(name: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(name, True, look())
    except TidemarkError as error:
        return Finding(name, False, str(error), remedy)
    except requests.RequestException as error:
        return Finding(name, False, type(error).__name__, remedy)


def locate_mongod() -> str:
    """Return where the embedded `mongod` would come from."""
    with TemporaryDirectory() as folder:
        return locate.mongod(Path(folder)).origin


def locate_redis() -> str:
    """Return where the embedded `redis-server` would come from."""
    return locate.redis_server().origin


def _server(url: str | None, find: Callable[[], str]) -> str:
    return "a URL is set or a stack runs" if url else f"found ({find()})"


def _keys(settings: Settings) -> str:
    Vault(settings.secret_keys)
    return f"{len(settings.secret_keys)} at hand"


def _mongo(settings: Settings) -> str:
    store = Store.connect(settings)
    try:
        store.ping()
        waiting = sum(store.marks.count().values())
        return f"primary answers, {len(store.accounts.workspaces())} workspaces, {waiting} periods wait to be rolled"
    finally:
        store.close()


def _redis(settings: Settings) -> str:
    with redisdb.connect(settings) as client, redisdb.redis_errors():
        client.ping()
    return "answers"


def _http(url: str) -> str:
    answer = requests.get(url, timeout=5)
    answer.raise_for_status()
    return f"{url} answers {answer.status_code}"
