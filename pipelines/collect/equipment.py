"""The objects that reading accounts of one platform needs: API client, pauses, credentials, budgets and quarantine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr
from redis import Redis

from metrics.documents import Platform
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.collect.budgets.calls import CallBudgets
from pipelines.collect.budgets.posts import PostBudget
from pipelines.collect.credentials import Credentials
from pipelines.collect.garbage import rare_searches
from pipelines.collect.grouped.commands import GroupedCommands
from pipelines.collect.pauses import Pauses
from pipelines.collect.posts.content import ContentRules
from pipelines.platforms.base import PlatformApi
from pipelines.platforms.pace import SharedPace
from pipelines.platforms.quarantine import Quarantine, Refused
from pipelines.platforms.quotas import SharedQuotas
from pipelines.platforms.registry import api_facts, open_platform


@dataclass(frozen=True)
class Equipment:
    """The objects that the threads of one run share for one platform."""

    api: PlatformApi
    pauses: Pauses
    credentials: Credentials
    budget: PostBudget
    content: ContentRules
    calls: CallBudgets
    commands: GroupedCommands


@contextmanager
def open_equipment(
    store: Store,
    redis: Redis,
    vault: Vault,
    settings: Settings,
    platform: Platform,
    now: datetime,
    *,
    whole: bool = False,
) -> Iterator[Equipment]:
    """Yield the equipment for a platform; if the block ends without an error, store changes of the quarantine.

    `whole` says that every account of the platform is requested.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    version = api_facts(platform).api_version
    quarantine = Quarantine(lambda one: store.quarantine.claim(platform, version, one.document()))
    quarantine.load_stored(Refused.of(one) for one in store.quarantine.of(platform, version))
    pauses = Pauses(redis, platform)
    quotas = SharedQuotas(redis, platform, settings.units_per_day(platform))
    per_minute = settings.calls_per_minute(platform)
    pace = SharedPace(redis, platform, per_minute) if per_minute is not None else None
    api = open_platform(platform, settings, quarantine, pauses.check_platform, quotas, pace)
    budget = PostBudget(redis, platform, settings.posts_per_day(platform), now.date())
    calls = CallBudgets(redis, platform, settings.calls_per_day(platform))
    with rare_searches():
        credentials = Credentials(store, vault, redis, api, _apps(settings, platform))
        content, commands = ContentRules.of(settings, platform), GroupedCommands.of(store, redis)
        yield Equipment(api, pauses, credentials, budget, content, calls, commands)
    store.quarantine.add(platform, version, [one.document() for one in quarantine.new(whole=whole)])
    store.quarantine.lift(platform, version, [one.document() for one in quarantine.lifted])


def _apps(settings: Settings, platform: Platform) -> dict[str, SecretStr]:
    """Return the secrets of the apps with which people connect accounts of a platform, by the id of the app."""
    return dict(app for name in FACTS[platform].logins if (app := settings.login_app(name)) is not None)
