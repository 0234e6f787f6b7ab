"""Forecasts of statsforecast in the same windows as ours, as a reference; `make reference` installs it."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.support.daily_series import AHEAD, Floats

PYTHON = Path(__file__).parents[2] / ".venv" / "apart" / "statsforecast" / "bin" / "python"
_WORKER = Path(__file__).with_name("statsforecast_worker.py")
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Reference:
    """What a model says of each series, and the CPU seconds that one takes."""

    values: Sequence[Floats]
    seconds: float


def references(series: Sequence[Floats], models: Sequence[str]) -> Mapping[str, Reference]:
    """Return what each model of statsforecast says of daily series; nothing if it is not installed.

    The models know no missing days: each gets the value of the week before, or the next known one.
    """
    if not PYTHON.exists():
        return {}
    task = {
        "season": _WEEK,
        "ahead": AHEAD,
        "models": list(models),
        "series": [_filled(one).tolist() for one in series],
    }
    done = subprocess.run(
        [str(PYTHON), str(_WORKER)], input=json.dumps(task) + "\n", stdout=subprocess.PIPE, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        name: Reference([np.maximum(np.array(one), 0.0) for one in said["values"]], said["seconds"])
        for name, said in found.items()
    }


def _filled(values: Floats) -> Floats:
    filled = values.copy()
    for day in np.flatnonzero(np.isnan(filled)):
        known = filled[day:][~np.isnan(filled[day:])]
        filled[day] = filled[day - _WEEK] if day >= _WEEK else known[0]
    return filled
