"""A platform's own words about an error, without the secrets that it may quote."""

from collections.abc import Collection
from typing import Any

from metrics.visible import visible
from metrics.web import Answer

_LONGEST = 200
_LONGEST_WORD = 40
"""A longer word without blanks may be a secret in another form than the one that was sent."""


def platform_words(answer: Answer, body: Any, secrets: Collection[str]) -> str:
    """Return the words of an error: those of OAuth are text in the body, those of APIs are in an object.

    Args:
        answer: the answer, whose status stands for missing words.
        body: its parsed body, of any shape.
        secrets: what was sent; the words are returned without it.
    """
    if not isinstance(body, dict):
        return f"status {answer.status}"
    error = body.get("error")
    found: list[object] = [error, body.get("error_description"), body.get("error_message"), body.get("message")]
    if isinstance(error, dict):
        found = [error.get("message")]
    words = ": ".join(visible(text) for text in found if isinstance(text, str) and text)
    for secret in sorted(secrets, key=len, reverse=True):
        words = words.replace(secret, "…")
    shown = " ".join(word if len(word) <= _LONGEST_WORD else "…" for word in words.split())
    return (shown[:_LONGEST] or f"status {answer.status}").rstrip(".")
