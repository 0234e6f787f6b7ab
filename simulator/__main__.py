"""`python -m simulator`: the simulator alone."""

import argparse

import uvicorn

from simulator.app import create_app
from simulator.registry import new_world


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="The platforms' APIs on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    options = parser.parse_args()
    app = create_app(new_world(options.seed), latency_ms=options.latency_ms)
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
