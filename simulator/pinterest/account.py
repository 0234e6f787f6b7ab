"""The account of the token: `GET /v5/user_account`."""

from typing import Any

from simulator import truth
from simulator.pinterest.call import Call
from simulator.pinterest.world import is_new
from simulator.world import display_name

PARAMETERS = ("ad_account_id",)


def user_account(call: Call) -> dict[str, Any]:
    """Return the account; -1 stands for monthly views that Pinterest does not know yet."""
    world, account = call.state.world, call.account
    handle = call.state.handle(account, call.aim)
    levels = truth.account_values(world, account, call.now)
    if is_new(account):
        levels["monthly_views"] = -1
    return {
        "id": account.platform_account_id,
        "username": call.username,
        "business_name": display_name(handle),
        "account_type": "BUSINESS",
        "profile_image": f"{call.pictures}{account.platform_account_id}-profile.png",
        "website_url": "",
        "about": "",
        **levels,
    }
