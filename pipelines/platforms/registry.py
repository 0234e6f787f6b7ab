"""The registry of platforms: the only list of those that are collected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from metrics.documents import Platform
from metrics.network import Network
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from pipelines.platforms.base import App, FurtherHosts, PlatformApi
from pipelines.platforms.bluesky.api import Bluesky
from pipelines.platforms.facebook.api import Facebook
from pipelines.platforms.instagram.api import Instagram
from pipelines.platforms.limits import Pace, Quotas, UncountedQuotas, Unpaced
from pipelines.platforms.linkedin.api import LinkedIn
from pipelines.platforms.pinterest.api import Pinterest
from pipelines.platforms.provider_days import ProviderDays
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.threads.api import Threads
from pipelines.platforms.tiktok.api import TikTok
from pipelines.platforms.twitter.api import Twitter
from pipelines.platforms.youtube.api import YouTube

_FACTORIES: Mapping[Platform, Callable[..., PlatformApi]] = {
    "instagram": Instagram,
    "facebook": Facebook,
    "twitter": Twitter,
    "linkedin": LinkedIn,
    "tiktok": TikTok,
    "youtube": YouTube,
    "pinterest": Pinterest,
    "threads": Threads,
    "bluesky": Bluesky,
}

PLATFORMS_IMPLEMENTED: tuple[Platform, ...] = tuple(_FACTORIES)


@dataclass(frozen=True, slots=True)
class ApiFacts:
    """Static facts about a platform's API: its version, and when its own days are read."""

    api_version: str
    days: ProviderDays | None


def api_facts(platform: Platform) -> ApiFacts:
    """Return a platform's API version, and when its own days are read."""
    api: Any = _FACTORIES[platform]
    return ApiFacts(api.api_version, api.days)


def open_platform(
    platform: Platform,
    settings: Settings,
    quarantine: Quarantine | None = None,
    check: Callable[[], None] = lambda: None,
    quotas: Quotas | None = None,
    pace: Pace | None = None,
) -> PlatformApi:
    """Return a platform's API client with its own connection pool; metrics in `quarantine` are not requested.

    `check` is called before every call, and raises an exception to prevent the call. `quotas` counts the calls of a
    platform that grants daily quotas to the app, and `pace` spreads the calls to one that limits them per minute;
    without these, nobody counts the calls.

    Raises:
        KeyError: the platform is not implemented.
    """
    from pipelines.platforms.http.client import Http  # imported late: only runs that collect need its 5 MB

    network = Network.of(settings)

    def at(base_url: str) -> Http:
        return Http(base_url, settings.collect_concurrency, check=check, network=network)

    hosts: FurtherHosts = getattr(_FACTORIES[platform], "further_hosts", {})
    more: dict[str, Any] = {argument: at(url_of(settings)) for argument, url_of in hosts.items()}
    if getattr(_FACTORIES[platform], "asks_for_content", False):
        more["content"] = settings.store_post_content
    if getattr(_FACTORIES[platform], "uses_app", False):
        more["app"] = app_of(platform, settings, quotas, pace)
    return _FACTORIES[platform](at(settings.platform_url(platform)), quarantine or Quarantine(), **more)


def app_of(platform: Platform, settings: Settings, quotas: Quotas | None = None, pace: Pace | None = None) -> App:
    """Return what a platform grants to the app; without `quotas` and `pace`, nobody counts the calls."""
    key = settings.api_key(platform)
    counted = quotas or UncountedQuotas(FACTS[platform].quota_zone)
    return App(counted, key.get_secret_value() if key is not None else None, pace or Unpaced())
