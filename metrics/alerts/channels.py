"""Channels of alerts: which URLs are accepted, and how they are sealed. Nothing of a URL but its scheme is told."""

import re
from collections.abc import Sequence
from uuid import uuid4

from pydantic import SecretStr

from metrics.alerts.receivers import is_accepted
from metrics.errors import CredentialError, InvalidInput, SettingsError
from metrics.settings import Settings
from metrics.store.workspace.channels import ChannelDocument
from metrics.vault import Vault

MAX_CHANNELS = 10
LONGEST_CHANNEL = 2000
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+]{0,30})://.")
_LOCAL = frozenset(
    {"dbus", "qt", "kde", "glib", "gnome", "macosx", "windows", "syslog", "growl", "gnomes", "freedesktop"}
)
"""Channels of apprise that show a message on the machine of the worker, and reach nobody."""


def sealed_channels(owner: str, urls: Sequence[SecretStr], vault: Vault | None) -> list[ChannelDocument]:
    """Return channels as they are stored: their URLs sealed by `vault`, and bound to the name of what owns them.

    Raises:
        InvalidInput: apprise cannot send to a URL, there are too many, or there is no key to seal them.
    """
    if len(urls) > MAX_CHANNELS:
        raise InvalidInput(f"channels: an alert has at most {MAX_CHANNELS} channels", "channels")
    schemes = [_scheme(number, url) for number, url in enumerate(urls, start=1)]
    if not urls:
        return []
    if vault is None:
        raise InvalidInput("channels: the server cannot keep them: TIDEMARK_SECRET_KEYS is not set", "channels")
    return [
        {
            "id": f"ch_{uuid4().hex[:12]}",
            "scheme": scheme,
            "sealed": vault.seal({"url": url.get_secret_value()}, owner),
            "failures": 0,
        }
        for scheme, url in zip(schemes, urls, strict=True)
    ]


def _scheme(number: int, channel: SecretStr) -> str:
    """Return the scheme of the URL of a channel. A refusal names its place, and nothing of the URL but the scheme.

    Raises:
        InvalidInput: apprise cannot send to it.
    """
    url = channel.get_secret_value()
    found = _SCHEME.match(url)
    if found is None or len(url) > LONGEST_CHANNEL:
        raise InvalidInput(
            f"channels: number {number} is no URL of apprise, as json://receiver.example/ or slack://…", "channels"
        )
    scheme = found.group(1).lower()
    if scheme in _LOCAL:
        raise InvalidInput(f"channels: number {number}, {scheme}, would reach nobody but the server itself", "channels")
    if not is_accepted(channel):
        raise InvalidInput(
            f"channels: number {number}, {scheme}, is not accepted by apprise: see its documentation of {scheme}",
            "channels",
        )
    return scheme


def opened_channel(settings: Settings, channel: ChannelDocument, owner: str) -> SecretStr | str:
    """Return the URL of a channel, or why it cannot be opened."""
    try:
        found = Vault(settings.secret_keys).open(channel["sealed"], owner)
    except (CredentialError, SettingsError):
        return "its URL cannot be opened with the keys of TIDEMARK_SECRET_KEYS: set the channels again"
    return SecretStr(found["url"])
