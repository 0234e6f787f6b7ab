"""Run the proofs against a running engine, and print a table: `python -m tests.containers.prove FOLDER COMPOSE`."""

import sys
import time
import traceback
from pathlib import Path

from tests.containers.proofs import PROOFS
from tests.containers.site import Site


def main(folder: str, compose: str, *chosen: str) -> int:
    """Run all proofs, or those whose numbers are named, in that order; return 1 if one failed.

    The first makes the deployment that the others use, and the second its key; a later call finds both.
    """
    site = Site(Path(folder) / "site", compose)
    results = dict.fromkeys(range(1, len(PROOFS) + 1), ("not run", 0.0))
    for number in map(int, chosen) if chosen else results:
        name, proof = PROOFS[number - 1]
        began = time.monotonic()
        try:
            result, detail = "passed", proof(site)
        except Exception as error:  # noqa: BLE001  the other proofs go on
            result, detail = "FAILED", f"{type(error).__name__}: {error}"
            (Path(folder) / f"proof-{number}.log").write_text(traceback.format_exc())
            site.recover()
        results[number] = (result, time.monotonic() - began)
        print(f"{number:2} {name}: {result} in {results[number][1]:.0f} s: {detail}", flush=True)
    print("\n| | proof | result | seconds |\n|---|---|---|---|")
    for number, (result, seconds) in results.items():
        print(f"| {number} | {PROOFS[number - 1][0]} | {result} | {seconds:.0f} |")
    return int(any(result == "FAILED" for result, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
