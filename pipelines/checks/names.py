"""Names of accounts as a check shows them."""

from collections.abc import Collection

MOST_NAMED = 50
"""Accounts that a check names."""


def named(accounts: Collection[str]) -> str:
    """Return the ids of accounts as text, as many as a page can show."""
    shown = ", ".join(sorted(accounts)[:MOST_NAMED]) or "none"
    return shown if len(accounts) <= MOST_NAMED else f"{shown} and {len(accounts) - MOST_NAMED} more"
