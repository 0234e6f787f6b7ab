"""Check the content of posts as platforms return it, and decide which content a post's document has.

What cannot be stored or shown (a URL that is not HTTPS, a caption that is not text) is dropped and counted. Content is
personal data: nothing here logs it or puts it into a message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from metrics.documents import Platform, PostContent, PostDocument
from metrics.platforms.registry import FACTS
from metrics.post_content import excerpt, folded, too_old
from metrics.settings import Settings
from metrics.store import Store
from pipelines.collect.posts import urls
from pipelines.platforms.data.post import Content, Post

_URL = re.compile(r"https?://[!-~]{1,2040}")
"""Printable ASCII without spaces, as in every URL that is percent-encoded."""
_EXPIRY = re.compile(r"[0-9A-Fa-f]{8}")
_RENEWED_BEFORE = timedelta(hours=24)
"""A thumbnail's URL is replaced only if it expires within this time, or if the picture is another one. Meta signs its
URLs anew for every answer: without this, every post in a list would be written every hour."""
_SEEN_AGAIN = 4
"""`seenAt` is written again after this part of the time that a platform's content may stay unseen."""


@dataclass(frozen=True, slots=True)
class ContentRules:
    """Whether the content of a platform's posts is stored, and which URLs are accepted.

    `http_origins` are origins (`http://127.0.0.1:8100`) whose URLs are accepted without TLS: those of the simulator.
    """

    stored: bool
    http_origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings, platform: Platform) -> "ContentRules":
        """Return the rules for a platform: a base URL with `http` is that of the simulator."""
        origins = {urls.origin(settings.platform_url(api)).lower() for api in FACTS[platform].apis}
        return cls(settings.store_post_content, frozenset(one for one in origins if one.startswith("http://")))

    def decide(
        self, platform: Platform, post: Post, published_at: datetime, stored: PostDocument | None, now: datetime
    ) -> tuple[PostContent | None, int]:
        """Return the content that a post's document has from now on, and how many values were dropped.

        If the platform returned no content because the post was not in a list, the stored content stays.
        """
        if not self.stored or too_old(platform, published_at, now):
            return None, 0
        before = stored.get("content") if stored is not None else None
        if post.content is None:
            return before, 0
        found, dropped = self._checked(platform, post.content, before)
        return _with_times(platform, found, before, now), dropped

    def _checked(self, platform: Platform, content: Content, before: PostContent | None) -> tuple[dict[str, Any], int]:
        """Return the acceptable values of a post's content by the names of their fields, and the number of others.

        A URL that is stored already was accepted before; only one without TLS depends on the settings.
        """
        known: Mapping[str, Any] = before or {}
        found: dict[str, Any] = {}
        dropped = 0
        for name, url in (("permalink", content.permalink), ("thumbnailUrl", content.thumbnail_url)):
            if url is not None and ((url == known.get(name) and _is_safe(url)) or self._accepts(url)):
                found[name] = url
            else:
                dropped += url is not None
        if isinstance(content.caption, str):
            if text := excerpt(content.caption):
                found |= {"captionExcerpt": text, "captionFolded": folded(text)}
        else:
            dropped += content.caption is not None
        if (expires := _expiry(found.get("thumbnailUrl", ""), FACTS[platform].content.expiry_parameter)) is not None:
            found["thumbnailExpiresAt"] = expires
        return found, dropped

    def _accepts(self, url: object) -> bool:
        if not isinstance(url, str) or not _URL.fullmatch(url):
            return False
        origin = urls.origin(url)
        return urls.names_host(origin) and (_is_safe(url) or origin.lower() in self.http_origins)


def remove_unkept(store: Store, rules: ContentRules, platform: Platform, now: datetime) -> set[str]:
    """Remove the content of a platform's posts that may no longer be kept; return the workspaces of these posts.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if not rules.stored:
        return store.posts.remove_content(platform)
    terms = FACTS[platform].content
    if terms.unseen is None and terms.age is None:
        return set()
    return store.posts.remove_content(
        platform,
        seen_by=None if terms.unseen is None else now - terms.unseen,
        before=None if terms.age is None else now - terms.age,
    )


def _is_safe(url: object) -> bool:
    return isinstance(url, str) and url.startswith("https://")


def _expiry(url: str, parameter: str) -> datetime | None:
    """Return when a picture's URL expires, in hexadecimal seconds since 1970 in a parameter; None if it has none."""
    if not parameter or f"{parameter}=" not in url:
        return None
    found = urls.parameter(url, parameter)
    return datetime.fromtimestamp(int(found, 16), UTC) if _EXPIRY.fullmatch(found) else None


def _with_times(
    platform: Platform, found: dict[str, Any], before: PostContent | None, now: datetime
) -> PostContent | None:
    """Return content with the time at which it was seen; the stored content itself, if nothing is worth a write."""
    if not found:
        return None
    old: Mapping[str, Any] = before or {}
    if _is_same_picture(old, found, now):
        for name in ("thumbnailUrl", "thumbnailExpiresAt"):
            found.pop(name, None)
            found |= {name: old[name]} if name in old else {}
    seen = now.replace(microsecond=0)
    unseen = FACTS[platform].content.unseen
    is_same = before is not None and {**found, "seenAt": old["seenAt"]} == dict(old)
    if is_same and (unseen is None or seen - old["seenAt"] < unseen / _SEEN_AGAIN):
        seen = old["seenAt"]
    return cast("PostContent", {**found, "seenAt": seen})


def _is_same_picture(old: Mapping[str, Any], found: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether the stored thumbnail is the picture of the new one, and its URL still works for a while."""
    expires = old.get("thumbnailExpiresAt")
    if expires is None or expires <= now + _RENEWED_BEFORE or "thumbnailUrl" not in found:
        return False
    return urls.path(old["thumbnailUrl"]) == urls.path(found["thumbnailUrl"])
