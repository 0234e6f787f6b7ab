"""Measure the dashboard with Lighthouse: performance and accessibility with its default throttling, a slow phone.

    python bench/dashboard.py [--runs 5] [--slowdown 4] [--report report.json]

`make lighthouse` installs Lighthouse and runs this. It needs Chromium on the PATH, and says so in a line otherwise. The
page shows a month of the four accounts of the simulator, served by one process on this machine. A line per run has the
scores, the milliseconds that count for the score, the load of the machine, and its speed at that moment as Lighthouse
measures it (`benchmarkIndex`). The last line has the medians, which are also in bench/results/dashboard.json.
`--report` keeps Lighthouse's report of the last run.

Lighthouse multiplies the processor's time by four, whatever the speed of the machine. The phone that it emulates, a
Moto G Power of 2022, has a speed of 264 (the constant `lowScore` in the calibration of Chrome's developer tools), so
the factor suits a machine of about 1,000. `--slowdown` sets another one: 1 for a machine that is itself as slow.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])

from bench.support.servers import Bench, servers
from metrics.clock import utcnow
from metrics.periods import PERIODS, midnight, slot_of, starts_between
from metrics.vault import Vault
from pipelines.rollup import roll
from simulator.registry import new_world
from tidemark import seed

RESULTS = Path(__file__).parent / "results" / "dashboard.json"
LIGHTHOUSE = Path(sys.prefix) / "apart" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
WORKSPACE, DAYS = "demo-north", 30
TIMES = {
    "first-contentful-paint": "FCP", "largest-contentful-paint": "LCP", "speed-index": "SI",
    "total-blocking-time": "TBT",
}  # fmt: skip
SECONDS = 180


def fill(bench: Bench) -> None:
    """Write a month of one workspace with its rollups."""
    now = utcnow()
    plan = seed.Plan(midnight((now - timedelta(days=DAYS)).date()), slot_of(now), (WORKSPACE,))
    seed.seed(bench.store, Vault(bench.settings.secret_keys), new_world(), plan, lambda _done, _total: None)
    for period in PERIODS:
        roll(bench.store, period, list(starts_between(period, plan.start, now)), run_id="bench", now=now)


def measure(url: str, report: Path, slowdown: float) -> dict[str, float]:
    """Run Lighthouse once; return the scores and figures by name."""
    command = [
        str(LIGHTHOUSE), url, "--output=json", f"--output-path={report}", f"--chrome-flags={FLAGS}", "--quiet",
        "--only-categories=performance,accessibility", "--no-enable-error-reporting",
        f"--throttling.cpuSlowdownMultiplier={slowdown:g}",
    ]  # fmt: skip
    subprocess.run(command, env={**os.environ, "CHROME_PATH": str(CHROMIUM)}, check=True, timeout=SECONDS)
    found: dict[str, Any] = json.loads(report.read_text())
    if error := found.get("runtimeError"):
        raise SystemExit(f"Lighthouse: {error['message']}")
    scores = {name: round(100 * category["score"]) for name, category in found["categories"].items()}
    times = {short: round(found["audits"][name]["numericValue"]) for name, short in TIMES.items()}
    shift = round(found["audits"]["cumulative-layout-shift"]["numericValue"], 3)
    machine = {"load": round(os.getloadavg()[0], 1), "speed": round(found["environment"]["benchmarkIndex"])}
    return {**scores, **times, "CLS": shift, **machine}


def shown(found: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:g}" for name, value in found.items())


def main() -> None:
    """Measure, print a line per run and the medians, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--slowdown", type=float, default=4)
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    if not LIGHTHOUSE.exists() or CHROMIUM is None:
        print("skipped: `make lighthouse` installs Lighthouse, with Node 20 and npm; Chromium has to be on the PATH")
        return
    with servers() as bench:
        fill(bench)
        key, _ = bench.store.keys.create("lighthouse", ["*"], ["read", "collect"])
        url, _ = bench.serve("dashboard")
        report = bench.folder / "report.json"
        runs = []
        for _ in range(asked.runs):
            runs.append(measure(f"{url}/?workspace={WORKSPACE}#key={key}", report, asked.slowdown))
            print(shown(runs[-1]), flush=True)
        if asked.report:
            shutil.copy(report, asked.report)
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print("median:", shown(median))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"runs": runs, "median": median}, indent=2) + "\n")


if __name__ == "__main__":
    main()
