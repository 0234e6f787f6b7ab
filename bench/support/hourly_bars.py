"""Forecasts of hours: how good they are on public series and simulated accounts, and what they cost.

Four hourly series of the M4 competition are judged by their bars; the other 410 are not here. Counts of mentions on
Twitter and what counters of Mastodon added are shown beside them, without a bar. The references run in the same
windows: repeating the last week, and Naive2 of the competition with a season of a day. MASE and MSIS are scaled by the
mean absolute difference of values a day apart.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.support.daily_series import Floats, Window
from bench.support.hourly_series import M4, hourly_windows
from bench.support.memory import peak
from bench.support.simulated_hours import DAYS_SAID, HISTORIES, METRICS, judged_hours, shares_of
from metrics.forecasts import HOURS_AHEAD
from metrics.periods import HOUR
from pipelines.insights.forecasts.forecast import Forecast
from pipelines.insights.forecasts.hourly import forecast_hours, smoothed_series
from pipelines.insights.forecasts.hourly_series import HISTORY_HOURS, HourlySeries, refused

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
OWA, MSIS, INSIDE_95 = 0.58, 8.2, (92.0, 98.0)
"""The bars on series of M4."""
ON_SIMULATOR_80, ON_SIMULATOR_95 = (77.0, 83.0), (93.0, 97.0)
CPU_SECONDS, MEGABYTES = 60.0, 150.0
_DAY, _WEEK = 24, 168
_METRICS, _BATCH = 3, 100


@dataclass(frozen=True, slots=True)
class Judged:
    """One window: sMAPE and MASE of three methods, and how good the intervals were."""

    ours: Floats
    last_week: Floats
    naive2: Floats
    msis: float
    inside: tuple[float, float]


def judge(window: Window, found: Forecast) -> Judged:
    """Return how good a forecast of a window is."""
    known, actual = _filled(window.known), window.actual
    scale = float(np.nanmean(np.abs(window.known[_DAY:] - window.known[:-_DAY])))
    low, high = found.lower["95"], found.upper["95"]
    score = (high - low) + 40 * np.maximum(low - actual, 0) + 40 * np.maximum(actual - high, 0)
    there = ~np.isnan(actual)

    def errors(said: Floats) -> Floats:
        off = np.abs(actual - said)
        smape = 200 * np.nanmean(off / np.maximum(np.abs(actual) + np.abs(said), 1e-9))
        return np.array([smape, np.nanmean(off) / scale])

    def inside(name: str) -> float:
        return 100 * float(((actual >= found.lower[name]) & (actual <= found.upper[name]))[there].mean())

    return Judged(
        errors(found.values),
        errors(known[len(known) - _WEEK :][:HOURS_AHEAD]),
        errors(naive2(known)),
        float(np.nanmean(score)) / scale,
        (inside("80"), inside("95")),
    )


def naive2(known: Floats) -> Floats:
    """Return the last value, adjusted by the hour of the day where the series depends on it at 90 % confidence."""
    centred = known - known.mean()
    power = float((centred * centred).sum())
    lags = [float((centred[lag:] * centred[:-lag]).sum()) / power for lag in range(1, _DAY + 1)]
    limit = 1.645 * np.sqrt((1 + 2 * sum(lag * lag for lag in lags[:-1])) / len(known))
    if abs(lags[-1]) <= limit or known.min() <= 0:
        return np.full(HOURS_AHEAD, known[-1])
    weights = np.ones(_DAY + 1)
    weights[[0, -1]] = 0.5
    ratios = np.full(len(known), np.nan)
    ratios[_DAY // 2 : -(_DAY // 2)] = known[_DAY // 2 : -(_DAY // 2)] / np.convolve(known, weights / _DAY, "valid")
    indices = np.array([np.nanmean(ratios[hour::_DAY]) for hour in range(_DAY)])
    indices *= _DAY / indices.sum()
    found: Floats = known[-1] / indices[(len(known) - 1) % _DAY] * indices[(len(known) + np.arange(HOURS_AHEAD)) % _DAY]
    return found


def _filled(values: Floats) -> Floats:
    filled = values.copy()
    for hour in np.flatnonzero(np.isnan(filled)):
        filled[hour] = filled[hour - 1]
    return filled


def on_public_series(data: Path) -> list[str]:
    """Print the figures on the public series; return what falls short."""
    found = hourly_windows(data)
    if not found:
        print(f"skipped: there are no public series in {data}")
        return []
    short = []
    print(f"public hourly series, {HOURS_AHEAD} hours ahead")
    print(
        f"{'':10} {'windows':>8} {'OWA':>7} {'last week':>10} {'MSIS':>7} {'in 80 %':>9} {'in 95 %':>9} {'refused':>8}"
    )
    for source, windows in found.items():
        judged = _judged(windows)
        reference = np.mean([one.naive2 for one in judged], axis=0)
        owa = float((np.mean([one.ours for one in judged], axis=0) / reference).mean())
        last_week = float((np.mean([one.last_week for one in judged], axis=0) / reference).mean())
        msis = float(np.mean([one.msis for one in judged]))
        inside_80, inside_95 = np.mean([one.inside for one in judged], axis=0)
        print(
            f"{source:10} {len(judged):8} {owa:7.3f} {last_week:10.3f} {msis:7.1f} {inside_80:9.1f} {inside_95:9.1f} "
            f"{len(windows) - len(judged):8}"
        )
        if source == M4:
            short += [f"OWA {owa:.3f} > {OWA}"] if owa > OWA else []
            short += [f"MSIS {msis:.1f} > {MSIS}"] if msis > MSIS else []
            if not INSIDE_95[0] <= inside_95 <= INSIDE_95[1]:
                short.append(f"{inside_95:.1f} % of hours inside the 95 % interval")
    return short


def _judged(windows: Sequence[Window]) -> list[Judged]:
    series = [HourlySeries.of(BEGIN, window.known) for window in windows]
    kept = [
        (one, window)
        for one, window in zip(series, windows, strict=True)
        if one is not None and len(one.values) == len(window.known) and refused(one, one.last + HOUR) is None
    ]
    smoothed = smoothed_series([one for one, _ in kept])
    return [
        judge(window, found)
        for (one, window), said in zip(kept, smoothed, strict=True)
        if isinstance(found := forecast_hours(one, one.last + HOUR, said=said), Forecast)
    ]


def on_simulated_hours(accounts: int) -> list[str]:
    """Print how often hours of simulated accounts lay inside the intervals; return what falls short."""
    print(f"{accounts} simulated accounts, a forecast every six hours for {DAYS_SAID} days, {HOURS_AHEAD} hours ahead")
    print(f"{'':34} {'hours due':>9} {'in 80 %':>8} {'in 95 %':>8}")
    short = []
    for history in HISTORIES:
        points = list(judged_hours(accounts, history))
        for metric in METRICS:
            some = [one for one in points if one.metric == metric]
            inside_80, inside_95 = shares_of(some)
            title = f"{metric}, {history // 24} days of history"
            print(f"{title:34} {len(some):9,} {inside_80:8.1f} {inside_95:8.1f}")
        found = shares_of(points)
        for name, share, (low, high) in (("80", found[0], ON_SIMULATOR_80), ("95", found[1], ON_SIMULATOR_95)):
            if not low <= share <= high:
                short.append(
                    f"{share:.1f} % inside the {name} % interval with {history // 24} days, not {low:g} to {high:g}"
                )
    return short


def hourly_cost(accounts: int) -> list[str]:
    """Print what forecasts of hours of made-up accounts cost; return what falls short."""
    random = np.random.default_rng(1)
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(HISTORY_HOURS) / _DAY)
    end, made, began = BEGIN + HISTORY_HOURS * HOUR, 0, time.process_time()
    for _ in range(0, accounts * _METRICS, _BATCH):
        counts = random.poisson(random.uniform(5, 200, (_BATCH, 1)) * season).astype(np.float64)
        series = [one for row in counts if (one := HourlySeries.of(BEGIN, row)) is not None]
        for one, said in zip(series, smoothed_series(series), strict=True):
            made += isinstance(forecast_hours(one, end, said=said), Forecast)
    seconds, megabytes = time.process_time() - began, peak()
    print(
        f"{accounts:,} accounts x {_METRICS} metrics x {HISTORY_HOURS:,} hours: {made:,} forecasts in {seconds:.1f} "
        f"CPU s ({1000 * seconds / max(made, 1):.1f} ms each), peak of the process {megabytes:.0f} MB"
    )
    allowed = CPU_SECONDS * accounts / 1000
    short = [f"{seconds:.1f} CPU s > {allowed:g}"] if seconds > allowed else []
    return [*short, f"{megabytes:.0f} MB > {MEGABYTES:g}"] if megabytes > MEGABYTES else short
