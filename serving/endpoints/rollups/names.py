"""The metrics that a read may name: those of totals, and a workspace's own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from metrics.aggregation.hourly import HOURLY
from metrics.aggregation.totals import NOT_SUMMED, SUMMED, UNIQUE, catalog_name
from metrics.catalog import CATALOG
from metrics.definitions.changes import live
from metrics.definitions.stored import Definition, find_definitions, find_version
from metrics.errors import InvalidInput, NotFound
from metrics.store import Store


@dataclass(frozen=True, slots=True)
class NamedMetric:
    """A metric of a read: its name, its unit, and its definition if it is the workspace's own."""

    name: str
    unit: str
    definition: Definition | None = None


def _unit(name: str) -> str:
    metric = CATALOG.get(("account", catalog_name(name))) or CATALOG.get(("post", catalog_name(name)))
    return metric.unit if metric else "count"


METRICS = {name: NamedMetric(name, _unit(name)) for name in (*SUMMED, *NOT_SUMMED)}
METRICS["engagementRate"] = NamedMetric("engagementRate", "percent")


_ALWAYS = ("followers", "engagementRateParts", "engagementRateBasis", "postCountByType")
"""Metrics of rollups that totals, rates over levels and parts of the posts are made of, whatever is requested."""


def fields_for(metrics: Iterable[NamedMetric]) -> list[str]:
    """Return the fields of accounts' rollups that the totals of some metrics are computed from."""
    names = {*_ALWAYS, *(metric.name for metric in metrics if metric.definition is None)}
    reasons = [f"unavailable.{name}" for name in UNIQUE if name in names]
    return ["platform", "coverage", "status", *reasons, *(f"aggregatedMetrics.{name}" for name in sorted(names))]


def find_metrics(
    store: Store, workspace_id: str, names: Sequence[str], interval: str, version: int | None = None
) -> list[NamedMetric]:
    """Return the metrics with these names, of the catalog or of the workspace's own.

    `version` is the version in which the one own metric among them is read; without it, the newest one that is in use.

    Raises:
        InvalidInput: there is no such metric or version, or it has no values per hour; the message offers others.
        MongoUnavailable: MongoDB does not answer.
    """
    own = find_own(store, workspace_id, [name for name in names if name not in METRICS], version, "metrics")
    if interval == "hourly":
        for name in names:
            if name not in HOURLY:
                raise InvalidInput(
                    f"metrics: {name} has no values per hour; these have: {', '.join(HOURLY)}", "metrics"
                )
    metrics = METRICS | {name: NamedMetric(name, one.document["unit"], one) for name, one in own.items()}
    return [metrics[name] for name in names]


def find_own(
    store: Store, workspace_id: str, names: Sequence[str], version: int | None, parameter: str
) -> Mapping[str, Definition]:
    """Return the definitions with these names, by name, in their order; `parameter` is the one that has the names.

    Raises:
        InvalidInput: there is no such metric or version.
        MongoUnavailable: MongoDB does not answer.
    """
    if version is not None:
        if len(names) != 1:
            raise InvalidInput(f"at: a version is that of one metric of your own; {parameter} names {len(names)}", "at")
        try:
            found = {names[0]: find_version(store, workspace_id, names[0], version)}
        except NotFound as error:
            raise InvalidInput(f"at: {error}", "at") from None
    else:
        found = find_definitions(store, workspace_id, names) if names else {}
    for name in names:
        if name not in found:
            raise InvalidInput(f"{parameter}: {_unknown(store, workspace_id, name, parameter)}", parameter)
    return {name: found[name] for name in names}


def versions_of(definitions: Iterable[Definition]) -> dict[str, int]:
    """Return the versions of all definitions that the values of some depend on, by name."""
    found: dict[str, int] = {}
    for one in definitions:
        found |= one.versions
    return dict(sorted(found.items()))


def _unknown(store: Store, workspace_id: str, name: str, parameter: str) -> str:
    """Return what to write in place of a name that is none, or that was retired."""
    newest = store.definitions.newest(workspace_id)
    if name in newest:
        return (
            f"{name} was retired; read one of its versions with at, 1 to {newest[name]['version']}, or define it again"
        )
    names = [*(METRICS if parameter == "metrics" else ()), *live(newest)]
    # A total is named after its metric: `likes` is offered `totalLikes`.
    lower = {each.lower(): each for each in sorted(names)}
    of_total = [each for each in names if each.lower() == f"total{name.lower()}"]
    found = of_total or [lower[near] for near in get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    if not names:
        return f"there is no metric {name}; the workspace has no metric of its own"
    hint = f"did you mean {' or '.join(found)}?" if found else f"the names are {', '.join(sorted(names))}"
    return f"there is no metric {name}; {hint}"
