"""Pinterest's page of consent, and the code that it gives (docs/platform-facts.md#pinterest-access)."""

from simulator.logins import Dialog

DIALOG = Dialog(
    "pinterest",
    "/www.pinterest.com/oauth/",
    frozenset(["user_accounts:read", "pins:read", "boards:read", "pins:read_secret", "boards:read_secret"]),
    separator=",",
)
