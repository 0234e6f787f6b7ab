"""What became of forecasts whose days or hours came due: how many values lay inside, and how the intervals adapt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.forecasts import DueDocument
from metrics.periods import DAY
from pipelines.insights.forecasts.intervals import NOMINAL, adapted
from pipelines.insights.forecasts.series import At, Series

NOTHING_DUE: DueDocument = {"points": 0, "inside80": 0, "inside95": 0, "error": 0.0, "expected": 0.0}


@dataclass(frozen=True, slots=True)
class Due:
    """The sums over the days or hours that came due, and the shares that intervals may miss from now on."""

    sums: DueDocument
    misses: Mapping[str, float]


def came_due(series: Series[At], earlier: Sequence[Mapping[str, Any]]) -> Due:
    """Judge what was said earlier of a series, oldest first, by the values that came since it was last judged.

    Only what was said before a day or an hour had ended in UTC is judged by it.
    """
    known = [one for one in earlier if "origin" in one]
    if not known:
        return Due(NOTHING_DUE, NOMINAL)
    at = max(series.origin_of(one) for one in known)
    sums, outside = NOTHING_DUE.copy(), list[Mapping[str, float]]()
    while at < series.last:
        at += series.STEP
        value = series.value(at)
        said = [] if value is None else list(_said_of(series, at, known))
        if value is None or not said:
            continue
        missed = dict.fromkeys(NOMINAL, 0)
        for forecast, index in said:
            for name in NOMINAL:
                missed[name] += not forecast[f"lo{name}"][index] <= value <= forecast[f"hi{name}"][index]
            scale = forecast["scale"] or 1.0
            sums["error"] += abs(value - forecast["values"][index]) / scale
            sums["expected"] += forecast["backtest"]["mase"]
        sums["points"] += len(said)
        sums["inside80"] += len(said) - missed["80"]
        sums["inside95"] += len(said) - missed["95"]
        outside.append({name: count / len(said) for name, count in missed.items()})
    if outside and series.STEP < DAY:
        # The hours that came since are one step together, for they resemble each other.
        outside = [{name: sum(one[name] for one in outside) / len(outside) for name in NOMINAL}]
    return Due(sums, adapted(known[-1]["misses"], outside))


def _said_of(
    series: Series[At], at: At, earlier: Iterable[Mapping[str, Any]]
) -> Iterable[tuple[Mapping[str, Any], int]]:
    """Yield what was said in time of a day or an hour, and its index in it."""
    ended = series.ended(at)
    for one in earlier:
        if "values" in one and one["madeAt"] < ended:
            index = (at - series.origin_of(one)) // series.STEP - 1
            if 0 <= index < len(one["values"]):
                yield one, index
