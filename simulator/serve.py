"""Server process of the simulator."""

import gc

import uvicorn

from simulator.app import create_app
from simulator.registry import new_world

_COLLECTED_AFTER = 50_000


def relax_collector() -> None:
    """Run the cyclic garbage collector less often: answers consist of many small objects without reference cycles."""
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER, 20, 50)


def serve(host: str, port: int, seed: int = 1, latency_ms: float = 0.0) -> None:
    """Serve until stopped."""
    app = create_app(new_world(seed), latency_ms=latency_ms)
    relax_collector()
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
