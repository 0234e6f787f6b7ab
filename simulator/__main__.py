"""Command line `python -m simulator`, which runs the simulator alone."""

import argparse

from simulator.serve import serve


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="Simulate the APIs on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    options = parser.parse_args()
    serve(options.host, options.port, options.seed, options.latency_ms)


if __name__ == "__main__":
    main()
