"""Fields of simulated Pages."""

from typing import Any

from simulator import truth
from simulator.facebook import empty_fields
from simulator.facebook.lists import LISTS, listed
from simulator.facebook.page_insights import page_insights
from simulator.graph.call import Call, parse
from simulator.graph.errors import no_field
from simulator.graph.fields import Field
from simulator.instagram.account import linked_account
from simulator.world import display_name

OF_ACCOUNTS = "access_token,category,category_list,name,id,tasks"
"""Default fields of the list of a user's Pages."""

_LINKED = ("instagram_business_account", "connected_instagram_account")
_LEVELS = ("fan_count", "followers_count", "talking_about_count")


def page_fields(call: Call, requested: tuple[Field, ...]) -> dict[str, Any]:
    """Return the requested fields of the Page; its id is always included."""
    account, texts = call.account, _texts(call)
    found: dict[str, Any] = {}
    for one in requested:
        if one.name in _LEVELS:
            found[one.name] = truth.account_value(call.state.world, account, one.name, call.now)
        elif one.name in texts:
            found[one.name] = texts[one.name]
        elif one.name in LISTS:
            found[one.name] = listed(call, one.name, one.below or parse("id,created_time"), one.modifiers)
        elif one.name == "insights":
            found["insights"] = page_insights(call, one.modifiers)
        elif one.name in _LINKED:
            if (linked := linked_account(call, one.below)) is not None:
                found[one.name] = linked
        elif one.name not in empty_fields.OF_PAGES and one.name not in empty_fields.EDGES_OF_PAGES:
            raise no_field(one.name, "Page")
    return {**found, "id": account.platform_account_id}


def _texts(call: Call) -> dict[str, Any]:
    account, handle = call.account, call.state.handle(call.account, call.aim)
    return {
        "id": account.platform_account_id,
        "name": display_name(handle),
        "username": handle,
        "category": "Local business",
        "category_list": [{"id": "2500", "name": "Local business"}],
        "link": f"https://www.facebook.com/{account.platform_account_id}",
        "about": "Simulated.",
        "access_token": account.token,
        "tasks": ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"],
    }
