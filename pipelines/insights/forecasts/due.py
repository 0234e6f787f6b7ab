"""What became of forecasts whose days came due: how many values lay inside, and how the intervals adapt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from metrics.forecasts import DueDocument, SaidDocument
from metrics.periods import DAY, midnight
from pipelines.insights.forecasts.intervals import NOMINAL, adapted
from pipelines.insights.forecasts.series import DailySeries

NOTHING_DUE: DueDocument = {"points": 0, "inside80": 0, "inside95": 0, "error": 0.0, "expected": 0.0}


@dataclass(frozen=True, slots=True)
class Due:
    """The sums over the days that came due, and the shares that intervals may miss from now on."""

    sums: DueDocument
    misses: Mapping[str, float]


def came_due(series: DailySeries, earlier: Sequence[SaidDocument]) -> Due:
    """Judge what was said earlier of a series, oldest first, by the days that have a value since it was last judged.

    Only what was said before a day had ended in UTC is judged by that day.
    """
    known = [one for one in earlier if "origin" in one]
    if not known:
        return Due(NOTHING_DUE, NOMINAL)
    judged_until = max(date.fromisoformat(one["origin"]) for one in known)
    sums, outside = NOTHING_DUE.copy(), list[Mapping[str, float]]()
    day = judged_until
    while day < series.last:
        day += timedelta(days=1)
        value = series.value(day)
        said = [] if value is None else list(_said_of(day, known))
        if value is None or not said:
            continue
        missed = dict.fromkeys(NOMINAL, 0)
        for forecast, index in said:
            for name in NOMINAL:
                missed[name] += not forecast[f"lo{name}"][index] <= value <= forecast[f"hi{name}"][index]  # type: ignore[literal-required]
            scale = forecast["scale"] or 1.0
            sums["error"] += abs(value - forecast["values"][index]) / scale
            sums["expected"] += forecast["backtest"]["mase"]
        sums["points"] += len(said)
        sums["inside80"] += len(said) - missed["80"]
        sums["inside95"] += len(said) - missed["95"]
        outside.append({name: count / len(said) for name, count in missed.items()})
    return Due(sums, adapted(known[-1]["misses"], outside))


def _said_of(day: date, earlier: Iterable[SaidDocument]) -> Iterable[tuple[SaidDocument, int]]:
    """Yield what was said in time of a day, and the index of the day in it."""
    ended = midnight(day) + DAY
    for one in earlier:
        if "values" in one and one["madeAt"] < ended:
            index = (day - date.fromisoformat(one["origin"])).days - 1
            if 0 <= index < len(one["values"]):
                yield one, index
