"""The error of a connection that did not come about."""

from typing import Literal

from metrics.errors import TidemarkError

Kind = Literal["setup", "denied", "scope", "code", "account", "platform", "link"]
"""Why an account was not connected: the settings; the person's refusal; a missing scope; a code that the platform does
not accept; another account; a platform that does not answer; a link that is used or too old."""


class NotConnected(TidemarkError):
    """An account was not connected, and nothing was stored. The message has no secret and says what to do."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
