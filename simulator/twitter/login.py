"""X's page of consent, and the code that it gives (docs/platform-facts.md#x-tokens)."""

from simulator.logins import Dialog

DIALOG = Dialog(
    "twitter",
    "/x.com/i/oauth2/authorize",
    frozenset(["tweet.read", "users.read", "offline.access", "follows.read", "like.read", "bookmark.read"]),
    pkce="required",
    code_seconds=30.0,
)
