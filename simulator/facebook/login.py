"""Facebook's page of consent, and the code that it gives (docs/platform-facts.md#meta-tokens)."""

from simulator.logins import Dialog

DIALOG = Dialog(
    "facebook",
    "/www.facebook.com/{version}/dialog/oauth",
    frozenset(
        [
            "pages_show_list",
            "pages_read_engagement",
            "read_insights",
            "pages_read_user_content",
            "business_management",
            "instagram_basic",
            "instagram_manage_insights",
        ]
    ),
    separator=",",
    denied={
        "error": "access_denied",
        "error_code": "200",
        "error_description": "Permissions error",
        "error_reason": "user_denied",
    },
    several=True,
)
