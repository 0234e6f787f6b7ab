"""The metrics that a series may have, by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from metrics.aggregation.hourly import HOURLY
from metrics.aggregation.totals import SUMMED, UNIQUE, catalog_name
from metrics.catalog import CATALOG, Unit
from metrics.errors import InvalidInput
from metrics.store import Store


@dataclass(frozen=True, slots=True)
class SeriesMetric:
    """A metric of a series: its name in rollups and totals, and its unit."""

    name: str
    unit: Unit


def _unit(name: str) -> Unit:
    metric = CATALOG.get(("account", catalog_name(name))) or CATALOG.get(("post", catalog_name(name)))
    return metric.unit if metric else "count"


METRICS = {name: SeriesMetric(name, _unit(name)) for name in (*SUMMED, *UNIQUE)}
METRICS["engagementRate"] = SeriesMetric("engagementRate", "percent")


_ALWAYS = ("followers", "engagementRateParts", "engagementRateBasis", "postCountByType")
"""Metrics of rollups that totals, rates over levels and parts of the posts are made of, whatever is requested."""


def fields_for(metrics: Iterable[SeriesMetric]) -> list[str]:
    """Return the fields of accounts' rollups that the totals of some metrics are computed from."""
    names = {*_ALWAYS, *(metric.name for metric in metrics)}
    reasons = [f"unavailable.{name}" for name in UNIQUE if name in names]
    return ["platform", "coverage", "status", *reasons, *(f"aggregatedMetrics.{name}" for name in sorted(names))]


def find_metric(_store: Store, _workspace_id: str, name: str, interval: str) -> SeriesMetric:
    """Return the metric with a name. This is the one place where a name of a query becomes a metric.

    Raises:
        InvalidInput: there is no such metric, or it has no values per hour; the message offers the nearest names.
    """
    names = HOURLY if interval == "hourly" else tuple(METRICS)
    if name in names:
        return METRICS[name]
    if name in METRICS:
        raise InvalidInput(f"metrics: {name} has no values per hour; these have: {', '.join(names)}", "metrics")
    # A total is named after its metric: `likes` is offered `totalLikes`.
    lower = {each.lower(): each for each in sorted(names)}
    of_total = [each for each in names if each.lower() == f"total{name.lower()}"]
    found = of_total or [lower[near] for near in get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(found)}?" if found else f"the names are {', '.join(sorted(names))}"
    raise InvalidInput(f"metrics: there is no metric {name}; {hint}", "metrics")
