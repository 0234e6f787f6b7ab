"""A small text plot in a partition's metadata, of the completeness of it and the partitions before it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

from metrics.periods import Period, previous_start
from pipelines.partitions import period_key, slot_key

_BARS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
HOURS_SHOWN = 24
PERIODS_SHOWN: dict[Period, int] = {"daily": 28, "weekly": 13, "monthly": 13}
PERCENT = "complete_percent"
"""Name of the plotted number: accounts collected, or slots observed, as a percentage of those expected. Runs over a
part of the accounts do not report it."""


def sparkline(values: Sequence[float | None]) -> str:
    """Draw numbers between 0 and 100, one character each; an unknown number is a dot, never a zero.

    >>> sparkline([0, None, 50, 100])
    '▁·▅█'
    """
    top = len(_BARS) - 1
    return "".join(_UNKNOWN if v is None else _BARS[round(max(0.0, min(v, 100.0)) / 100 * top)] for v in values)


def hours_before(slot: datetime) -> list[str]:
    """Return the keys of the hours to plot before a slot, oldest first."""
    return [slot_key(slot - timedelta(hours=back)) for back in range(HOURS_SHOWN - 1, 0, -1)]


def periods_before(period: Period, start: datetime) -> list[str]:
    """Return the keys of the periods to plot before the one that starts at `start`, oldest first."""
    keys: list[str] = []
    for _ in range(PERIODS_SHOWN[period] - 1):
        start = previous_start(period, start)
        keys.append(period_key(start))
    return keys[::-1]


def plot(
    instance: dg.DagsterInstance, asset: dg.AssetKey, before: Sequence[str], percent: float, what: str
) -> dg.MetadataValue:
    """Return a line of bars: the partitions `before`, by their newest materialisations, and the present one."""
    known = _percents(instance, asset, before)
    values = [known.get(key) for key in before]
    text = f"`{sparkline([*values, percent])}` {what}, the newest on the right: {percent:.4g} %"
    return dg.MetadataValue.md(text)


def _percents(instance: dg.DagsterInstance, asset: dg.AssetKey, keys: Sequence[str]) -> dict[str, float]:
    """Return the newest reported percentage per partition; runs over a part of the accounts report none."""
    found: dict[str, float] = {}
    wanted = dg.AssetRecordsFilter(asset, asset_partitions=list(keys))
    for record in instance.fetch_materializations(wanted, limit=4 * len(keys)).records:
        event = record.asset_materialization
        if event is None or record.partition_key is None or record.partition_key in found:
            continue
        value = event.metadata.get(PERCENT)
        if isinstance(value, dg.FloatMetadataValue) and value.value is not None:
            found[record.partition_key] = value.value
    return found
