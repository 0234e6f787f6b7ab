"""The registry of the readers of public numbers: the platforms that have a lawful route to accounts of others."""

from collections.abc import Callable, Mapping
from typing import Any

from metrics.documents import Platform
from metrics.network import Network
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from pipelines.platforms.bluesky.public import BlueskyPublic
from pipelines.platforms.facebook.public import FacebookPublic
from pipelines.platforms.instagram.public import InstagramPublic
from pipelines.platforms.limits import Quotas
from pipelines.platforms.linkedin.public import LinkedInPublic
from pipelines.platforms.public.base import PublicReader
from pipelines.platforms.registry import app_of
from pipelines.platforms.threads.public import ThreadsPublic
from pipelines.platforms.twitter.public import TwitterPublic
from pipelines.platforms.youtube.public import YouTubePublic

_FACTORIES: Mapping[Platform, Callable[..., PublicReader]] = {
    "instagram": InstagramPublic,
    "facebook": FacebookPublic,
    "twitter": TwitterPublic,
    "linkedin": LinkedInPublic,
    "youtube": YouTubePublic,
    "threads": ThreadsPublic,
    "bluesky": BlueskyPublic,
}

PUBLIC_PLATFORMS: tuple[Platform, ...] = tuple(_FACTORIES)
"""The platforms whose accounts of others can be read; each has `public_numbers` in its facts, and the others none."""


def open_public_reader(
    platform: Platform, settings: Settings, check: Callable[[], None] = lambda: None, quotas: Quotas | None = None
) -> PublicReader:
    """Return a platform's reader of public numbers, with its own connection pool.

    `check` is called before every call, and raises an exception to prevent the call. `quotas` counts the calls of a
    platform that grants daily quotas to the app.

    Raises:
        KeyError: the platform has no route to accounts of others.
    """
    from pipelines.platforms.http.client import Http  # imported late: only runs that collect need its 5 MB

    factory = _FACTORIES[platform]
    http = Http(
        settings.platform_url(platform), settings.collect_concurrency, check=check, network=Network.of(settings)
    )
    more: dict[str, Any] = {}
    if FACTS[platform].takes_api_key:
        more["app"] = app_of(platform, settings, quotas)
    shown = FACTS[platform].public_numbers
    if shown is not None and shown.by_app:
        token = settings.app_token(platform)
        more["token"] = token.get_secret_value() if token is not None else None
    return factory(http, **more)
