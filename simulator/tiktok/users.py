"""The account of a token, in the form of the Display API: `GET /v2/user/info/`."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from simulator import truth
from simulator.pictures import picture_url
from simulator.tiktok.call import Call
from simulator.world import display_name

_BASIC, _PROFILE, _STATS = "user.info.basic", "user.info.profile", "user.info.stats"
SCOPES: Mapping[str, str] = {
    **dict.fromkeys(
        ("open_id", "union_id", "avatar_url", "avatar_url_100", "avatar_large_url", "display_name"), _BASIC
    ),
    **dict.fromkeys(("username", "bio_description", "profile_deep_link", "profile_web_link", "is_verified"), _PROFILE),
    **dict.fromkeys(("follower_count", "following_count", "likes_count", "video_count"), _STATS),
}
"""The fields of an account, each with the scope that it needs."""


def info(call: Call) -> dict[str, Any]:
    """Answer `GET /v2/user/info/`: only the requested fields.

    Raises:
        Problem: a field is unknown, or not allowed.
    """
    account, levels = call.account, call.state.world.platforms["tiktok"].levels
    user: dict[str, Any] = {}
    for name in call.fields(SCOPES):
        if name in levels:
            user[name] = truth.account_value(call.state.world, account, name, call.now)
        else:
            user[name] = _TEXTS[name](call)
    return {"user": user}


def username(call: Call) -> str:
    """Return the present username of the account."""
    return call.state.handle(call.account, call.aim)


def _union_id(call: Call) -> str:
    digits = hashlib.sha256(f"union:{call.account.platform_account_id}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def _avatar(call: Call) -> str:
    return picture_url(call.request.base_url, f"{call.account.platform_account_id}-avatar")


_TEXTS: Mapping[str, Callable[[Call], Any]] = {
    "open_id": lambda call: call.account.platform_account_id,
    "union_id": _union_id,
    **dict.fromkeys(("avatar_url", "avatar_url_100", "avatar_large_url"), _avatar),
    "display_name": lambda call: display_name(username(call)),
    "username": username,
    "bio_description": lambda _: "Simulated.",
    "profile_deep_link": lambda call: f"https://vm.tiktok.com/{_union_id(call)[:8]}/",
    "profile_web_link": lambda call: f"https://www.tiktok.com/@{username(call)}",
    "is_verified": lambda _: False,
}
