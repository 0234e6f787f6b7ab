"""LinkedIn's page of consent, and the code that it gives (docs/platform-facts.md#linkedin-protocol)."""

from simulator.logins import Dialog

DIALOG = Dialog(
    "linkedin",
    "/oauth/v2/authorization",
    frozenset(["openid", "profile", "email", "r_organization_admin", "rw_organization_admin", "r_organization_social"]),
    code_seconds=1800.0,
    denied={"error": "user_cancelled_authorize", "error_description": "The user cancelled the authorization"},
    several=True,
)
