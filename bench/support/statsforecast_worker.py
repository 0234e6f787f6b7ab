"""Process that forecasts series with statsforecast, in an environment of its own: it imports nothing of Tidemark.

It reads a line of JSON with `season`, `ahead`, `models` and `series` from standard input, and prints one: by model, the
forecasts of each series and the CPU seconds that one took on average. What Numba compiles is compiled before.
"""

import json
import sys
import time

import numpy as np
from statsforecast import models


def main() -> None:
    """Forecast and print."""
    task = json.loads(sys.stdin.readline())
    series = [np.array(one, dtype=np.float64) for one in task["series"]]
    found = {}
    for name in task["models"]:
        model = getattr(models, name)(season_length=task["season"])
        model.forecast(series[0], task["ahead"])
        began = time.process_time()
        said = [np.asarray(model.forecast(one, task["ahead"])["mean"]).tolist() for one in series]
        found[name] = {"values": said, "seconds": (time.process_time() - began) / len(series)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
