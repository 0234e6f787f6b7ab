"""Runs all checks of `tidemark doctor`, in an order in which a failed check explains later ones."""

from collections.abc import Iterator

from pymongo.errors import ConfigurationError

from metrics.settings import Settings
from metrics.store import Store
from tidemark.checkup.accounts import accounts, secret_keys
from tidemark.checkup.dagster import dagster
from tidemark.checkup.finding import Finding
from tidemark.checkup.machine import machine
from tidemark.checkup.network import network
from tidemark.checkup.services import api, platforms
from tidemark.checkup.sizes import store_sizes
from tidemark.checkup.stores import mongo, redis
from tidemark.home import Home

_START = "run `tidemark up`, or set the variable to a running server"


def examine(settings: Settings, home: Home) -> Iterator[Finding]:
    """Yield the findings one by one; checks that depend on a store that cannot be reached are left out."""
    up = home.running()
    yield from machine(settings, home, up)
    yield secret_keys(settings)
    yield from _stores(settings, home)
    if up:
        yield from api(up)
    yield from dagster(home)
    yield from network(settings)
    yield from platforms(settings)


def _stores(settings: Settings, home: Home) -> Iterator[Finding]:
    if settings.mongo_url is None:
        yield Finding("MongoDB", False, "TIDEMARK_MONGO_URL is not set, and no stack runs here", _START)
    else:
        yield from _mongo(settings, home)
    if settings.redis_url is None:
        yield Finding("Redis", False, "TIDEMARK_REDIS_URL is not set, and no stack runs here", _START)
    else:
        yield from redis(settings)


def _mongo(settings: Settings, home: Home) -> Iterator[Finding]:
    try:
        store = Store.connect(settings)
    except (ConfigurationError, ValueError) as error:
        yield Finding("MongoDB", False, str(error), "correct TIDEMARK_MONGO_URL")
        return
    try:
        found = list(mongo(store, settings))
        yield from found
        if found[0].well:
            yield from accounts(store, settings)
            if settings.redis_url is not None:
                yield from store_sizes(store, settings, home)
    finally:
        store.close()
