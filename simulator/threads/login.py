"""Threads' page of consent, and the code that it gives (docs/platform-facts.md#threads-access)."""

from simulator.logins import Dialog

DIALOG = Dialog(
    "threads",
    "/threads.net/oauth/authorize",
    frozenset(
        [
            "threads_basic",
            "threads_manage_insights",
            "threads_content_publish",
            "threads_manage_replies",
            "threads_read_replies",
            "threads_profile_discovery",
        ]
    ),
    separator=",",
    code_seconds=3600.0,
    denied={
        "error": "access_denied",
        "error_reason": "user_denied",
        "error_description": "The user denied your request",
    },
)
