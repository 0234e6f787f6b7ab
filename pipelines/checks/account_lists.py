"""Format ids of accounts for the metadata of checks."""

from collections.abc import Collection

MOST_NAMED = 50
"""The most accounts that a check names."""


def format_accounts(accounts: Collection[str]) -> str:
    """Return the ids of accounts as text, at most `MOST_NAMED` of them and the number of the others."""
    shown = ", ".join(sorted(accounts)[:MOST_NAMED]) or "none"
    return shown if len(accounts) <= MOST_NAMED else f"{shown} and {len(accounts) - MOST_NAMED} more"
