"""Accounts and observations that benchmarks fill their stores with."""

from datetime import datetime, timedelta

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Observation
from metrics.periods import HOUR


def account(workspace: str, name: str) -> AccountDocument:
    """Return an account that was connected long ago."""
    return {
        "_id": name, "workspaceId": workspace, "platform": "instagram", "platformAccountId": name, "handle": name,
        "state": "active", "connectedAt": utcnow() - timedelta(days=200), "credentials": b"sealed",
    }  # fmt: skip


def observation(workspace: str, name: str, slot: datetime) -> Observation:
    """Return the observation of an account in one hour."""
    values = {"followers": 12_345, "following": 678, "posts": 90}
    return Observation(workspace, name, "instagram", "account", slot, slot + HOUR, values, "run", "v1")
