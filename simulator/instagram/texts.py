"""Profile texts of simulated Instagram accounts."""

from typing import Any

from simulator.graph.call import Call
from simulator.world import display_name


def account_texts(call: Call) -> dict[str, Any]:
    """Return the profile texts of an account."""
    account, handle = call.account, call.state.handle(call.account, call.aim)
    return {
        "id": account.platform_account_id, "ig_id": account.index + 1, "username": handle,
        "name": display_name(handle), "biography": "Simulated.",
        "profile_picture_url": f"{call.base_url}/picture/{account.index}", "user_id": account.platform_account_id,
        "account_type": "BUSINESS",
    }  # fmt: skip
