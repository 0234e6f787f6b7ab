"""The check of breakouts, which is evaluated in runs of their asset: do most of them hold at the age of a day?"""

from datetime import datetime, timedelta

import dagster as dg

from metrics.store import Store

LAST_DAYS = 28
"""The days whose posts are counted."""
MOST_WITHDRAWN = 0.5
"""More than this share of breakouts that are withdrawn means that they are told too early."""
FEWEST = 20
"""Fewer breakouts say nothing."""
_NAME = "breakouts_hold"


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the checks that a run of breakouts evaluates."""
    return [
        dg.AssetCheckSpec(
            _NAME,
            asset=asset,
            description=f"Of the breakouts of posts of the last {LAST_DAYS} days that are confirmed or withdrawn, at "
            f"most {100 * MOST_WITHDRAWN:g} % are withdrawn.",
        )
    ]


def result(store: Store, asset: str, now: datetime) -> dg.AssetCheckResult:
    """Evaluate the check for the posts of the 28 days before an instant.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.anomalies.breakout_counts(now - timedelta(days=LAST_DAYS), now)
    settled = found["ended"] + found["withdrawn"]
    few = settled < FEWEST
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=_NAME,
        passed=few or found["withdrawn"] <= MOST_WITHDRAWN * settled,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"only {settled} were confirmed or withdrawn, which says nothing yet" if few else None,
        metadata={name: dg.MetadataValue.int(found[name]) for name in ("open", "ended", "withdrawn")},
    )
