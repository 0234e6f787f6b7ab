"""Benchmark of forecasts, anomalies and statements about posts: how good they are, and what they cost.

    python bench/insights.py --forecasts [--data ../shared/data] [--accounts 1000]
    python bench/insights.py --reference [--data ../shared/data] [--models AutoETS,AutoTheta,AutoCES]
    python bench/insights.py --hours [--data ../shared/data] [--accounts 1000] [--simulated 36]
    python bench/insights.py --simulator [--simulated 36]
    python bench/insights.py --anomalies [--data ../shared/data] [--accounts 1000]
    python bench/insights.py --posts [--data ../shared/data]
    python bench/insights.py --planted 3
    python bench/insights.py --breakouts [--data ../shared/data] [--simulated 36]

`--posts` prints each bar of statements about posts beside its figure (`bench/support/post_bars.py`), and `--breakouts`
how many posts break out (`bench/support/breakout_bars.py`).

Twenty public daily series are forecast 28 days ahead, in up to nine windows each. The references run in the same
windows: the seasonal naive forecast, and Naive2 of the M4 competition, by which OWA divides (Makridakis, Spiliotis,
Assimakopoulos, *The M4 Competition*, 2020). MASE and MSIS are scaled by the mean absolute difference of values a week
apart. Where the data are missing, this part is skipped. This is no blind test: constants of the method were chosen with
all windows in view.

With `--reference`, models of statsforecast run in these windows as well, in an environment of their own that
`make reference` installs: OWA, CPU seconds a series, and ours over theirs.

On the simulator, forecasts of accounts with known truth are made each day for eight weeks, and judged when they come
due; half of the accounts have a planted shift (`bench/support/simulated_forecasts.py`).

The cost is that of 1,000 accounts with three metrics and 400 days each, made up, in this process.

Forecasts of hours are described in `bench/support/hourly_bars.py`, anomalies in `bench/support/anomaly_bars.py`.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

import numpy as np

from bench.support import anomaly_bars, planted_events
from bench.support.breakout_bars import judge_breakouts
from bench.support.daily_series import AHEAD, DATA, Floats, Window, windows
from bench.support.hourly_bars import hourly_cost, on_public_series, on_simulated_hours
from bench.support.memory import peak
from bench.support.post_bars import judge_posts
from bench.support.reference import PYTHON, references
from bench.support.simulated_forecasts import AHEAD as SIMULATED_AHEAD
from bench.support.simulated_forecasts import METRICS, SAID, Point, judged, shares
from pipelines.insights.forecasts.forecast import Forecast, forecast
from pipelines.insights.forecasts.series import DailySeries

DAY_ONE = date(2025, 1, 1)
OWA, MSIS, INSIDE_80, INSIDE_95 = 0.92, 21.0, (77.0, 87.0), (92.0, 98.0)
"""The bars, over all windows; the shares inside are in percent."""
ON_SIMULATOR_80, ON_SIMULATOR_95, LEAST_DUE = (77.0, 83.0), (93.0, 97.0), 3_000
BACK_WITHIN = 14
"""Days after a planted shift by which values of the next week lie inside again."""
CPU_SECONDS, MEGABYTES = 60.0, 150.0
_METRICS, _DAYS = 3, 400


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of one method in one window."""

    smape: float
    mase: float


@dataclass(frozen=True, slots=True)
class Judged:
    """One window: the errors of three methods, and how good the intervals were."""

    early: bool
    ours: Errors
    seasonal_naive: Errors
    naive2: Errors
    msis: float
    inside_80: float
    inside_95: float


def seasonal_naive(known: Floats) -> Floats:
    """Return the values of the newest four weeks' last known same weekdays."""
    return np.array([
        next(value for value in known[len(known) - 7 + day % 7 :: -7] if not np.isnan(value)) for day in range(AHEAD)
    ])  # fmt: skip


def naive2(known: Floats) -> Floats:
    """Return the last value, adjusted by the day of the week where the series depends on it at 90 % confidence."""
    filled = known.copy()
    for day in np.flatnonzero(np.isnan(filled)):
        filled[day] = filled[day - 1] if day else np.nanmean(known)
    centred = filled - filled.mean()
    power = float((centred * centred).sum())
    lags = [float((centred[lag:] * centred[:-lag]).sum()) / power if power else 0.0 for lag in range(1, 8)]
    limit = 1.645 * np.sqrt((1 + 2 * sum(lag * lag for lag in lags[:-1])) / len(filled))
    ahead = np.arange(AHEAD)
    if abs(lags[-1]) <= limit or filled.min() <= 0:
        return np.full(AHEAD, filled[-1])
    ratios = np.full(len(filled), np.nan)
    ratios[3:-3] = filled[3:-3] / np.convolve(filled, np.ones(7) / 7, "valid")
    indices = np.array([np.nanmean(ratios[weekday::7]) for weekday in range(7)])
    indices *= 7 / indices.sum()
    level = filled[-1] / indices[(len(filled) - 1) % 7]
    found: Floats = level * indices[(len(filled) + ahead) % 7]
    return found


def judge(window: Window) -> Judged | None:
    """Return how good a forecast is, or None if there is none."""
    series = DailySeries(DAY_ONE, window.known)
    found = forecast(series, series.last)
    if not isinstance(found, Forecast) or found.horizon < AHEAD:
        return None
    scale = float(np.nanmean(np.abs(window.known[7:] - window.known[:-7])))
    actual = window.actual
    known = ~np.isnan(actual)
    low, high = found.lower["95"], found.upper["95"]
    score = (high - low) + 40 * np.maximum(low - actual, 0) + 40 * np.maximum(actual - high, 0)

    def inside(name: str) -> float:
        within = (actual >= found.lower[name]) & (actual <= found.upper[name])
        return 100 * float(within[known].mean())

    return Judged(
        window.early,
        _errors(window, found.values),
        _errors(window, seasonal_naive(window.known)),
        _errors(window, naive2(window.known)),
        float(np.nanmean(score)) / scale,
        inside("80"),
        inside("95"),
    )


def owa(ours: Iterable[Errors], naive: Iterable[Errors]) -> float:
    """Return the overall weighted average of two methods' errors."""
    mine, theirs = list(ours), list(naive)
    smape = sum(one.smape for one in mine) / sum(one.smape for one in theirs)
    mase = sum(one.mase for one in mine) / sum(one.mase for one in theirs)
    return (smape + mase) / 2


def show(title: str, judged: Sequence[Judged]) -> dict[str, float]:
    """Print a row and return its figures."""
    reference = [one.naive2 for one in judged]
    figures = {
        "owa": owa((one.ours for one in judged), reference),
        "naive": owa((one.seasonal_naive for one in judged), reference),
        "msis": float(np.mean([one.msis for one in judged])),
        "80": float(np.mean([one.inside_80 for one in judged])),
        "95": float(np.mean([one.inside_95 for one in judged])),
    }
    print(
        f"{title:22} {len(judged):8} {figures['owa']:7.3f} {figures['naive']:15.3f} {figures['msis']:7.1f} "
        f"{figures['80']:9.1f} {figures['95']:9.1f}"
    )
    return figures


def quality(data: Path) -> list[str]:
    """Print the figures on the public series; return what falls short."""
    found = windows(data)
    if not found:
        print(f"skipped: there are no public series in {data}")
        return []
    judged = [one for window in found if (one := judge(window)) is not None]
    print(f"{len({window.series for window in found})} public daily series, {AHEAD} days ahead")
    print(f"{'':22} {'windows':>8} {'OWA':>7} {'seasonal naive':>15} {'MSIS':>7} {'in 80 %':>9} {'in 95 %':>9}")
    show("older half", [one for one in judged if one.early])
    show("newer half", [one for one in judged if not one.early])
    figures = show("all", judged)
    print(f"not forecast: {len(found) - len(judged)} windows")
    short = []
    if figures["owa"] > OWA:
        short.append(f"OWA {figures['owa']:.3f} > {OWA}")
    if figures["msis"] > MSIS:
        short.append(f"MSIS {figures['msis']:.1f} > {MSIS}")
    for name, (low, high) in (("80", INSIDE_80), ("95", INSIDE_95)):
        if not low <= figures[name] <= high:
            short.append(f"{figures[name]:.1f} % inside the {name} % interval, not {low:g} to {high:g}")
    return short


def against_reference(data: Path, models: Sequence[str]) -> list[str]:
    """Print OWA and CPU seconds a series of statsforecast's models beside ours, in the same windows."""
    if not PYTHON.exists():
        print("skipped: make reference installs statsforecast")
        return []
    found = [window for window in windows(data) if judge(window) is not None]
    if not found:
        print(f"skipped: there are no public series in {data}")
        return []
    began = time.process_time()
    said = [forecast(DailySeries(DAY_ONE, one.known), DailySeries(DAY_ONE, one.known).last) for one in found]
    seconds = (time.process_time() - began) / len(found)
    naive = [_errors(one, naive2(one.known)) for one in found]
    values = [one.values for one in said if isinstance(one, Forecast)]
    ours = owa((_errors(one, each) for one, each in zip(found, values, strict=True)), naive)
    print(f"{len(found)} windows of public daily series, {AHEAD} days ahead")
    print(f"{'':22} {'OWA':>7} {'s a series':>11} {'OWA of ours':>12} {'time of ours':>13}")
    print(f"{'ours, with back-test':22} {ours:7.3f} {seconds:11.4f} {1:12.2f} {1:13.2f}")
    for name, one in references([window.known for window in found], models).items():
        theirs = owa((_errors(window, each) for window, each in zip(found, one.values, strict=True)), naive)
        print(f"{name:22} {theirs:7.3f} {one.seconds:11.4f} {ours / theirs:12.2f} {seconds / one.seconds:13.2f}")
    return []


def _errors(window: Window, said: Floats) -> Errors:
    scale = float(np.nanmean(np.abs(window.known[7:] - window.known[:-7])))
    off = np.abs(window.actual - said)
    return Errors(
        float(200 * np.nanmean(off / np.maximum(np.abs(window.actual) + np.abs(said), 1e-9))),
        float(np.nanmean(off)) / scale,
    )


def on_simulator(accounts: int) -> list[str]:
    """Print how often values of simulated accounts lay inside the intervals; return what falls short."""
    began = time.process_time()
    points = list(judged(accounts))
    due = len({(one.metric, one.account, one.said) for one in points})
    print(
        f"{accounts} simulated accounts, {SAID} days of forecasts up to {SIMULATED_AHEAD} days ahead: {due:,} "
        f"forecasts due with {len(points):,} days, {time.process_time() - began:.0f} CPU s"
    )
    print(f"{'':34} {'days due':>9} {'in 80 %':>8} {'in 95 %':>8}")

    def show_points(title: str, some: list[Point]) -> tuple[float, float]:
        found = shares(some)
        print(f"{title:34} {len(some):9,} {found[0]:8.1f} {found[1]:8.1f}")
        return found

    calm = [one for one in points if one.since_shift is None]
    for metric in METRICS:
        show_points(f"{metric}, no event", [one for one in calm if one.metric == metric])
    for first, last in ((1, 1), (2, 3), (4, 7), (8, 15), (16, 28)):
        show_points(f"{first} to {last} days ahead, no event", [one for one in calm if first <= one.ahead <= last])
    of_all, again = show_points("all, no event", calm), (0.0, 0.0)
    for first in (-7, 0, 3, 7, 14, 21):
        span = f"said {first} to {first + 6} days after the shift"
        near = [
            one for one in points if one.since_shift is not None and 0 <= one.since_shift - first < 7 and one.ahead <= 7
        ]
        found = show_points(span, near)
        again = found if first == BACK_WITHIN else again
    short = [f"only {due:,} forecasts due"] if due < LEAST_DUE else []
    for name, share, (low, high) in (("80", of_all[0], ON_SIMULATOR_80), ("95", of_all[1], ON_SIMULATOR_95)):
        if not low <= share <= high:
            short.append(f"{share:.1f} % inside the {name} % interval, not {low:g} to {high:g}")
    for name, share, (low, _) in (("80", again[0], ON_SIMULATOR_80), ("95", again[1], ON_SIMULATOR_95)):
        if share < low:
            short.append(f"{share:.1f} % inside the {name} % interval {BACK_WITHIN} days after a shift, not {low:g}")
    return short


def cost(accounts: int) -> list[str]:
    """Print what forecasts of made-up accounts cost; return what falls short."""
    random = np.random.default_rng(1)
    weekday = 1 + 0.3 * np.sin(2 * np.pi * np.arange(_DAYS) / 7)
    before, began = peak(), time.process_time()
    made = 0
    for _ in range(accounts * _METRICS):
        values = random.poisson(random.uniform(20, 2000) * weekday).astype(np.float64)
        made += isinstance(forecast(DailySeries(DAY_ONE, values), DAY_ONE + timedelta(days=_DAYS - 1)), Forecast)
    seconds, megabytes = time.process_time() - began, peak()
    print(
        f"{accounts:,} accounts x {_METRICS} metrics x {_DAYS} days: {made:,} forecasts in {seconds:.1f} CPU s "
        f"({1000 * seconds / (accounts * _METRICS):.1f} ms each), peak of the process {megabytes:.0f} MB "
        f"({before:.0f} MB before)"
    )
    allowed = CPU_SECONDS * accounts / 1000
    short = [f"{seconds:.1f} CPU s > {allowed:g}"] if seconds > allowed else []
    return [*short, f"{megabytes:.0f} MB > {MEGABYTES:g}"] if megabytes > MEGABYTES else short


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forecasts", action="store_true", help="judge forecasts (the default)")
    parser.add_argument("--reference", action="store_true", help="compare with models of statsforecast")
    parser.add_argument("--models", default="AutoETS,AutoTheta,AutoCES", help="models of statsforecast")
    parser.add_argument("--hours", action="store_true", help="judge forecasts of hours")
    parser.add_argument("--anomalies", action="store_true", help="judge anomalies")
    parser.add_argument("--posts", action="store_true", help="judge statements about posts")
    parser.add_argument("--breakouts", action="store_true", help="judge breakouts of posts")
    parser.add_argument(
        "--planted", type=int, default=0, metavar="N", help="follow planted events, N accounts a platform"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public series")
    parser.add_argument("--accounts", type=int, default=1000, help="accounts whose cost is measured (1000)")
    parser.add_argument("--simulator", action="store_true", help="judge forecasts by simulated accounts")
    parser.add_argument("--simulated", type=int, default=36, help="simulated accounts (36)")
    options = parser.parse_args()
    short = []
    chosen = (
        options.hours, options.anomalies, options.simulator, options.posts, options.breakouts, options.reference,
        options.planted,
    )  # fmt: skip
    if options.forecasts or not any(chosen):
        short += [*quality(options.data), *cost(options.accounts)]
    if options.planted:
        short += planted_events.measure(options.planted)
    if options.reference:
        short += against_reference(options.data, options.models.split(","))
    if options.hours:
        short += [*on_public_series(options.data), *hourly_cost(options.accounts)]
        short += on_simulated_hours(options.simulated)
    if options.simulator:
        short += on_simulator(options.simulated)
    if options.anomalies:
        short += anomaly_bars.measure(options.data, options.accounts)
    if options.posts:
        short += judge_posts(options.data)
    if options.breakouts:
        short += judge_breakouts(options.data, options.simulated)
    print("falls short: " + "; ".join(short) if short else "every bar is met")


if __name__ == "__main__":
    main()
