"""Instagram Login's page of consent, and the code that it gives (docs/platform-facts.md#meta-tokens)."""

from simulator.logins import Dialog

LOGIN_MARK = "iglogin"
"""Part of the tokens of Instagram Login, which work at graph.instagram.com only."""

DIALOG = Dialog(
    "instagram",
    "/www.instagram.com/oauth/authorize",
    frozenset(
        [
            "instagram_business_basic",
            "instagram_business_manage_insights",
            "instagram_business_manage_comments",
            "instagram_business_manage_messages",
            "instagram_business_content_publish",
        ]
    ),
    separator=",",
    code_seconds=3600.0,
    denied={
        "error": "access_denied",
        "error_reason": "user_denied",
        "error_description": "The user denied your request",
    },
    mark=LOGIN_MARK,
)
