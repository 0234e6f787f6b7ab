"""Run the proofs against a running engine, and print a table: `python -m tests.containers.prove FOLDER COMPOSE`."""

import sys
import time
import traceback
from pathlib import Path

from tests.containers.proofs import PROOFS
from tests.containers.site import Site


def main(folder: str, compose: str, *chosen: str) -> int:
    """Run all proofs, or those whose number is named; return 1 if one failed."""
    site, rows = Site(Path(folder) / "site", compose), []
    for number, (name, proof) in enumerate(PROOFS, start=1):
        if chosen and str(number) not in chosen:
            rows.append((number, name, "not run", 0.0, ""))
            continue
        began = time.monotonic()
        try:
            result, detail = "passed", proof(site)
        except Exception as error:  # noqa: BLE001  the other proofs go on
            result, detail = "FAILED", f"{type(error).__name__}: {error}"
            (Path(folder) / f"proof-{number}.log").write_text(traceback.format_exc())
        rows.append((number, name, result, time.monotonic() - began, detail))
        print(f"{number:2} {name}: {result} in {rows[-1][3]:.0f} s: {detail}", flush=True)
    print("\n| | proof | result | seconds |\n|---|---|---|---|")
    for number, name, result, seconds, _ in rows:
        print(f"| {number} | {name} | {result} | {seconds:.0f} |")
    return int(any(row[2] == "FAILED" for row in rows))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
