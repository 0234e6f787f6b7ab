"""Google's page of consent, and the code that it gives (docs/platform-facts.md#youtube-tokens)."""

from simulator.logins import Dialog

_SCOPES = "https://www.googleapis.com/auth/"

DIALOG = Dialog(
    "youtube",
    "/accounts.google.com/o/oauth2/v2/auth",
    frozenset(f"{_SCOPES}{name}.readonly" for name in ("youtube", "yt-analytics", "yt-analytics-monetary")),
    pkce="accepted",
)
