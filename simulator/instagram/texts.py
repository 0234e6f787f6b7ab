"""What simulated Instagram accounts say of themselves."""

from typing import Any

from simulator.graph_call import Call


def account_texts(call: Call) -> dict[str, Any]:
    """Return what an account says of itself."""
    account = call.account
    return {
        "id": account.platform_account_id, "ig_id": account.index + 1, "username": account.handle,
        "name": account.handle.replace(".", " ").title(), "biography": "Simulated.",
        "profile_picture_url": f"{call.base_url}/picture/{account.index}", "user_id": account.platform_account_id,
        "account_type": "BUSINESS",
    }  # fmt: skip
