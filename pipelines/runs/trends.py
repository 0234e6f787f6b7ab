"""A small text plot in a partition's metadata, of a number of it and of the partitions before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from metrics.forecasts import WINDOW
from metrics.periods import Period, previous_start
from pipelines.partitions import period_key, slot_key

_BARS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
HOURS_SHOWN = 24
WINDOWS_SHOWN = 28
"""The windows of six hours of a week."""
PERIODS_SHOWN: dict[Period, int] = {"daily": 28, "weekly": 13, "monthly": 13}
PERCENT = "complete_percent"
"""Name of the plotted number: accounts collected, or slots observed, as a percentage of those expected. Runs over a
part of the accounts do not report it."""


@dataclass(frozen=True, slots=True)
class Plotted:
    """A number that partitions report in their metadata, by its `name` there.

    The highest bar is `top`; without it, the greatest of the numbers that are shown.
    """

    name: str
    unit: str
    top: float | None = None


COMPLETE = Plotted(PERCENT, " %", 100.0)


def sparkline(values: Sequence[float | None], top: float = 100.0) -> str:
    """Draw numbers between 0 and `top`, one character each; an unknown number is a dot, never a zero.

    >>> sparkline([0, None, 50, 100])
    '▁·▅█'
    """
    highest = len(_BARS) - 1
    return "".join(_UNKNOWN if one is None else _BARS[round(max(0.0, min(one / top, 1.0)) * highest)] for one in values)


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


def windows_before(window: datetime) -> list[str]:
    """Return the keys of the six hours to plot before those that begin at `window`, oldest first."""
    return [slot_key(window - back * WINDOW) for back in range(WINDOWS_SHOWN - 1, 0, -1)]


def plot(
    instance: dg.DagsterInstance, asset: dg.AssetKey, before: Sequence[str], value: float, of: Plotted, what: str
) -> dg.MetadataValue:
    """Return the line of the partitions `before`, by their newest materialisations, and the present one."""
    known = _numbers(instance, asset, before, of.name)
    return _line([*(known.get(key) for key in before), value], value, of, what)


def line(values: Sequence[float | None], of: Plotted, what: str) -> dg.MetadataValue | None:
    """Return a line of bars with its newest number, and its range if it has no fixed top; None without any number."""
    known = [one for one in values if one is not None]
    return _line(values, known[-1], of, what) if known else None


def _line(values: Sequence[float | None], newest: float, of: Plotted, what: str) -> dg.MetadataValue:
    known = [one for one in values if one is not None]
    bars = sparkline(values, of.top or max(known) or 1.0)
    text = f"`{bars}` {what}, the newest on the right: {newest:.4g}{of.unit}"
    if of.top is None:
        text += f"; from {min(known):.4g} to {max(known):.4g}"
    return dg.MetadataValue.md(text)


def _numbers(instance: dg.DagsterInstance, asset: dg.AssetKey, keys: Sequence[str], name: str) -> dict[str, float]:
    """Return the newest reported number per partition; runs over a part of the accounts report none."""
    found: dict[str, float] = {}
    wanted = dg.AssetRecordsFilter(asset, asset_partitions=list(keys))
    for record in instance.fetch_materializations(wanted, limit=4 * len(keys)).records:
        event = record.asset_materialization
        if event is None or record.partition_key is None or record.partition_key in found:
            continue
        value = event.metadata.get(name)
        if isinstance(value, dg.FloatMetadataValue) and value.value is not None:
            found[record.partition_key] = value.value
    return found
