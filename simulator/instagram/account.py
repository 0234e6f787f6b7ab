"""Fields of simulated Instagram accounts (docs/platform-facts.md#instagram-accounts-and-media)."""

from dataclasses import replace
from typing import Any

from simulator import truth
from simulator.graph.call import Call
from simulator.graph.errors import no_field
from simulator.graph.fields import Field, parse_fields
from simulator.instagram.account_insights import account_insights
from simulator.instagram.discovery import discovered
from simulator.instagram.lists import LISTS, listed
from simulator.instagram.texts import account_texts

COUNTS = ("followers_count", "follows_count", "media_count")
_EMPTY = frozenset(
    ["website", "is_published", "has_profile_pic", "legacy_instagram_user_id", "shopping_product_tag_eligibility"]
)


def account_fields(call: Call, requested: tuple[Field, ...]) -> dict[str, Any]:
    """Return the requested fields of the account; its id is always included."""
    texts, found = account_texts(call), dict[str, Any]()
    for one in requested:
        if one.name in LISTS:
            found[one.name] = listed(call, one.name, one.below or parse_fields("id"), one.modifiers)
        elif one.name == "insights":
            found["insights"] = account_insights(call, one.modifiers)
        elif one.name == "business_discovery":
            found["business_discovery"] = discovered(call, one)
        elif one.name in COUNTS:
            found[one.name] = truth.account_value(call.state.world, call.account, one.name, call.now)
        elif one.name in texts:
            found[one.name] = texts[one.name]
        elif one.name not in _EMPTY:
            raise no_field(one.name, "InstagramUser")
    return {**found, "id": call.account.platform_account_id}


def linked_account(call: Call, requested: tuple[Field, ...]) -> dict[str, Any] | None:
    """Return the Instagram account of a Page, with the requested fields or only its id; None if it is gone."""
    account = call.state.world.account("instagram", call.account.index)
    if call.state.fate(account, call.aim) is not None:
        return None
    return account_fields(replace(call, account=account), requested)
