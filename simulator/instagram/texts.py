"""What simulated Instagram accounts say of themselves."""

from typing import Any

from simulator.graph.call import Call
from simulator.world import display_name


def account_texts(call: Call) -> dict[str, Any]:
    """Return what an account says of itself."""
    account, handle = call.account, call.state.handle(call.account, call.aim)
    return {
        "id": account.platform_account_id, "ig_id": account.index + 1, "username": handle,
        "name": display_name(handle), "biography": "Simulated.",
        "profile_picture_url": f"{call.base_url}/picture/{account.index}", "user_id": account.platform_account_id,
        "account_type": "BUSINESS",
    }  # fmt: skip
