"""TikTok's page of consent, and the code that it gives (docs/platform-facts.md#tiktok-tokens)."""

from simulator.logins import Dialog
from simulator.tiktok.tokens import SCOPES

DIALOG = Dialog(
    "tiktok",
    "/www.tiktok.com/v2/auth/authorize/",
    frozenset([*SCOPES, "user.info.username", "user.account.type", "user.insights", "video.insights", "comment.list"]),
    separator=",",
    id_parameter="client_key",
    code_end="*0!5678.va",
    denied={"error": "access_denied", "error_description": "The user denied the request."},
)
