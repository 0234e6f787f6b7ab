"""Receivers of messages: URLs of apprise, which hold secrets. Nothing of a URL is logged, by apprise neither."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from metrics.network import Network
from metrics.settings import Settings


def is_accepted(url: SecretStr) -> bool:
    """Tell whether apprise knows how to send to a URL; nothing is sent."""
    return _apprise().Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True) is not None


def send_to(
    settings: Settings, urls: Sequence[SecretStr], title: str, body: str, attachment: Path | None = None
) -> list[bool]:
    """Send a message to URLs, with a file where a channel takes one; return for each whether it took the message."""
    if not urls:
        return []
    apprise = _apprise()
    Network.of(settings).export()
    file = None if attachment is None else str(attachment)

    def taken(url: SecretStr) -> bool:
        receiver = apprise.Apprise()
        try:
            return receiver.add(url.get_secret_value()) and bool(receiver.notify(title=title, body=body, attach=file))
        except Exception:  # noqa: BLE001 - a fault of one receiver's plugin keeps no other from its message
            return False

    # All at the same time, so that a receiver that does not answer delays no other.
    with ThreadPoolExecutor(len(urls)) as pool:
        return list(pool.map(taken, urls))


def _apprise() -> Any:
    """Return the module, which every run could load and few need; it takes about a hundred others along."""
    import apprise

    # It logs URLs that it cannot load, with the tokens in them.
    logging.getLogger("apprise").disabled = True
    return apprise
