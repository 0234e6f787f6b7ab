"""The check of anomalies, which is evaluated in runs of their asset: are there about as many alarms as was agreed?"""

from datetime import datetime, timedelta

import dagster as dg

from metrics.store import Store

LAST_DAYS = 28
"""The days whose anomalies are counted."""
MOST = 3.0
"""There may be this many times as many anomalies of hours as the budgets allow, because real events count, too."""
FEWEST = 20
"""Fewer anomalies say nothing."""
_NAME = "anomalies_within_budget"


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the checks that a run of anomalies evaluates."""
    return [
        dg.AssetCheckSpec(
            _NAME,
            asset=asset,
            description=f"In the last {LAST_DAYS} days there were at most {MOST:g} times as many anomalies of hours as "
            "the alarm budgets of the workspaces allow for the series that are watched.",
        )
    ]


def result(store: Store, asset: str, now: datetime) -> dg.AssetCheckResult:
    """Evaluate the check for the 28 days before an instant.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.anomalies.hourly_count(now - timedelta(days=LAST_DAYS), now)
    allowed = sum(
        watched * store.anomalies.budget(workspace_id) * LAST_DAYS / 7
        for workspace_id, watched in store.watched.hourly_counts().items()
    )
    few = found < FEWEST
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=_NAME,
        passed=few or found <= MOST * allowed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"only {found} were found, which says nothing yet" if few else None,
        metadata={"found": dg.MetadataValue.int(found), "allowed": dg.MetadataValue.float(round(float(allowed), 1))},
    )
