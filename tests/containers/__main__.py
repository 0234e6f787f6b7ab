"""`make containers`: start an engine, build the images, and run the proofs in the network of the containers."""

import os
import subprocess
import sys
from pathlib import Path

from tests.containers import images
from tests.containers.engine import Engine, missing_programs
from tests.test_deploy import ROOT

FOLDER = Path(os.environ.get("CONTAINERS_FOLDER", "/var/tmp/tidemark-containers"))
COMPOSE = ROOT / ".venv" / "deployment" / "compose" / "docker-compose"


def main(*chosen: str) -> int:
    """Build what is missing, run the proofs, and stop the engine; return an exit code."""
    if os.geteuid() != 0:
        raise SystemExit("make containers starts a container engine: run it as root")
    if missing := missing_programs():
        raise SystemExit(
            f"missing: {', '.join(missing)}. On Debian: apt-get install --no-install-recommends docker.io debootstrap "
            "iptables iproute2 pigz libcap2-bin"
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    engine = Engine(FOLDER, COMPOSE)
    with engine.building():
        images.build_standins(engine, images.gather(FOLDER))
        images.build_tidemark(engine, "tidemark:0.1.0")
        images.build_next(engine, "tidemark:0.1.0", "tidemark:next")
    with engine.running():
        prove = [sys.executable, "-m", "tests.containers.prove", str(FOLDER), str(COMPOSE), *chosen]
        return subprocess.run(engine.inside(*prove), cwd=ROOT, env=engine.environment({}), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
