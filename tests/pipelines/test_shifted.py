"""Dagster has the stack's clock in each process that `pipelines.shifted` starts, and in those that they spawn."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from metrics import clock

# To start Dagster takes seconds of processor time, which a busy machine gives in minutes.
pytestmark = pytest.mark.timeout(300)
PROGRAM = """
import faulthandler, json, multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
import dagster as dg
from dagster._time import get_current_datetime, get_current_timestamp


@dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="one")])
def one():
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="whole")])


if __name__ == "__main__":
    # It once hung: if it does again, the test says where.
    faulthandler.dump_traceback_later(200, exit=True)
    with dg.instance_for_test(temp_dir=sys.argv[1]) as instance:
        run = dg.materialize([one], instance=instance)
        record = instance.get_run_record_by_id(run.run_id)
        event = instance.get_latest_materialization_event(dg.AssetKey("one"))
        (check,) = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("one"), "whole"), limit=1
        )
    # Unlike multiprocessing.Pool, it says so when its process dies, and does not wait for ever.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as workers:
        spawned = workers.submit(get_current_timestamp).result()
    print(json.dumps({
        "dagster's time": get_current_timestamp(), "dagster's date": get_current_datetime().timestamp(),
        "run created": record.create_timestamp.timestamp(), "run began": record.start_time,
        "run ended": record.end_time, "materialised": event.timestamp, "checked": check.create_timestamp,
        "spawned": spawned,
    }))
    print(time.time())
"""


def run(folder: Path, ahead: timedelta, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, clock.VARIABLE: str(ahead.total_seconds()), "PYTHONPATH": str(folder)}
    command = [sys.executable, "-W", "ignore", "-m", "pipelines.shifted", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize("ahead", [timedelta(days=-250), timedelta(days=2000)], ids=["past", "future"])
def test_whatever_dagster_dates_has_the_clock_of_the_stack(ahead: timedelta, tmp_path: Path) -> None:
    (tmp_path / "asks_dagster.py").write_text(PROGRAM)
    (tmp_path / "storage").mkdir()
    began = clock.machine_now().timestamp()
    ran = run(tmp_path, ahead, "asks_dagster", str(tmp_path / "storage"))
    ended = clock.machine_now().timestamp()
    assert ran.returncode == 0, ran.stderr
    dates, machine = ran.stdout.splitlines()

    def is_during_the_run(at: float) -> bool:
        # CURRENT_TIMESTAMP has whole seconds.
        return began - 1 <= at <= ended

    ours = {name: at - ahead.total_seconds() for name, at in json.loads(dates).items()}
    assert {name: at - began for name, at in ours.items() if not is_during_the_run(at)} == {}
    assert is_during_the_run(float(machine)), "others have the machine's time"


@pytest.mark.parametrize("hook", ["_mockable_get_current_datetime", "_mockable_get_current_timestamp"])
def test_dagster_without_the_hook_is_refused_in_plain_words(hook: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import dagster._time\ndel dagster._time.{hook}\n")
    ran = run(tmp_path, timedelta(days=1), "dagster", "--version")
    assert ran.returncode != 0
    assert f"has no dagster._time.{hook} any more: `tidemark up --clock` cannot set its clock" in ran.stderr
    assert run(tmp_path, timedelta(), "dagster", "--version").returncode == 0, "without a clock nothing is replaced"
