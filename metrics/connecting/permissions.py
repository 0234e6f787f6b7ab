"""The permissions of tokens that a user hands over: each platform that tells them is asked which ones it granted."""

from collections.abc import Mapping

from metrics.connecting.calls import Calls
from metrics.documents import Platform
from metrics.platforms.permissions import Permission
from metrics.platforms.registry import FACTS
from metrics.settings import Settings


def lacking(settings: Settings, platform: Platform, credentials: Mapping[str, str | float]) -> list[Permission]:
    """Return the permissions that a token lacks; none if the platform does not tell which ones it has.

    Raises:
        NotConnected: the platform should tell them, but does not answer, or refuses to tell.
    """
    facts = FACTS[platform]
    told = facts.token_permissions
    if told is None or "access_token" not in credentials or not told.tells(credentials):
        return []
    texts = {name: text for name, text in credentials.items() if isinstance(text, str)}
    granted = Calls(settings, facts.title, set(texts.values())).ask(
        told.question, str(credentials["access_token"]), texts
    )
    return [one for one in told.permissions if not granted.intersection(one.names)]
