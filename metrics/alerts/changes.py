"""Set an alert: checks of everything that comes from outside. A refused alert changes nothing."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from metrics.alerts.channels import sealed_channels
from metrics.definitions.changes import live
from metrics.definitions.language.vocabulary import instead
from metrics.definitions.one_value import TOTALS
from metrics.errors import InvalidInput
from metrics.ids import check_text
from metrics.periods import PERIODS, Period
from metrics.store import Store
from metrics.store.workspace.alerts import (
    AlertDocument,
    Comparison,
    alert_id,
    owner_of_channels,
)
from metrics.vault import Vault
from metrics.visible import visible

MAX_ALERTS = 200
MAX_ACCOUNTS = 1000
LONGEST_TITLE = 100
NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
COMPARISONS: tuple[Comparison, ...] = ("above", "below", "rises", "falls")
_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert as a person gives it. With `channels` None, those of an alert of the same name stay."""

    name: str
    title: str
    metric: str
    comparison: Comparison
    threshold: float
    period: Period
    account_ids: tuple[str, ...] | None = None
    channels: tuple[SecretStr, ...] | None = None


def set_alert(
    store: Store, workspace_id: str, wanted: NewAlert, now: datetime, vault: Vault | None = None
) -> AlertDocument:
    """Store an alert in place of one of the same name, and return it; `vault` seals channels, if there are any.

    Only periods that end after a change of what is compared are evaluated.

    Raises:
        InvalidInput: a field is not accepted, or an account is not one of the workspace.
        MongoUnavailable: MongoDB does not answer.
    """
    _check(store, workspace_id, wanted)
    present = {one["name"]: one for one in store.alerts.all(workspace_id)}
    before = present.get(wanted.name)
    if before is None and len(present) >= MAX_ALERTS:
        raise InvalidInput(f"a workspace has at most {MAX_ALERTS} alerts: delete one first", "name")
    key = alert_id(workspace_id, wanted.name)
    if wanted.channels is None:
        channels = before["channels"] if before else []
    else:
        channels = sealed_channels(owner_of_channels(key), wanted.channels, vault)
    alert: AlertDocument = {
        "_id": key,
        "workspaceId": workspace_id,
        "name": wanted.name,
        "title": wanted.title,
        "metric": wanted.metric,
        "comparison": wanted.comparison,
        "threshold": wanted.threshold,
        "period": wanted.period,
        "channels": channels,
        "createdAt": before["createdAt"] if before else now,
        "changedAt": now,
        "since": now,
        "state": "waiting",
    }
    if wanted.account_ids is not None:
        alert["accountIds"] = sorted(set(wanted.account_ids))
    if before is not None and _compares(before) == _compares(alert):
        alert["since"], alert["state"] = before["since"], before["state"]
        kept = {name: before[name] for name in ("last", "firedAt") if name in before}
        alert |= kept  # type: ignore[typeddict-item]
    store.alerts.put(alert)
    return alert


def _compares(alert: AlertDocument) -> tuple[object, ...]:
    names = ("metric", "comparison", "threshold", "period", "accountIds")
    return tuple(alert.get(name) for name in names)


def _check(store: Store, workspace_id: str, wanted: NewAlert) -> None:
    if not _NAME.fullmatch(wanted.name):
        raise InvalidInput(
            "name: a name has 1 to 64 letters, digits, '_', '.' and '-', and begins with a letter or digit, "
            "as few-followers",
            "name",
        )
    check_text(wanted.title, "title")
    if not 1 <= len(wanted.title) <= LONGEST_TITLE:
        raise InvalidInput(f"title: a title has 1 to {LONGEST_TITLE} characters", "title")
    if wanted.comparison not in COMPARISONS:
        raise InvalidInput(f"comparison: must be one of {', '.join(COMPARISONS)}", "comparison")
    if wanted.period not in PERIODS:
        raise InvalidInput(f"period: must be one of {', '.join(PERIODS)}", "period")
    if not math.isfinite(wanted.threshold) or abs(wanted.threshold) > 1e15:
        raise InvalidInput("threshold: must be a number between -1e15 and 1e15", "threshold")
    if wanted.comparison in ("rises", "falls") and wanted.threshold < 0:
        raise InvalidInput(
            "threshold: for rises and falls, give by how many percent, as 0 or a positive number", "threshold"
        )
    known = {account.account_id for account in store.accounts.connections([workspace_id])}
    _check_accounts(wanted.account_ids, known)
    own = live(store.definitions.newest(workspace_id))
    if wanted.metric not in TOTALS and wanted.metric not in own:
        shown = visible(wanted.metric[:64])
        raise InvalidInput(f"metric: there is no metric {shown}: {_nearest(wanted.metric, own)}", "metric")


def _nearest(metric: str, own: Collection[str]) -> str:
    of_total = next((name for name in TOTALS if name.lower() == f"total{metric.lower()}"), None)
    return f"did you mean {of_total}?" if of_total else instead(metric[:64], sorted([*TOTALS, *own]))


def _check_accounts(given: tuple[str, ...] | None, known: Collection[str]) -> None:
    if given is None:
        return
    if not 1 <= len(given) <= MAX_ACCOUNTS:
        raise InvalidInput(f"accountIds: give 1 to {MAX_ACCOUNTS:,} ids, or leave accountIds out", "accountIds")
    if unknown := [visible(one[:128]) for one in dict.fromkeys(given) if one not in known]:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise InvalidInput(f"accountIds: the workspace has no account {', '.join(unknown[:3])}{more}", "accountIds")
