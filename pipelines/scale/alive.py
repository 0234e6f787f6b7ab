"""Health check of a worker: `python -m pipelines.scale.alive [celery@host]`, by default of this host's worker.

It reads one key in Redis, while Celery's own `inspect ping` would import the whole app of the worker.
"""

import sys
from socket import gethostname

from metrics.errors import TidemarkError
from metrics.redis.errors import redis_errors
from metrics.settings import load_settings
from pipelines.scale.config import broker, worker_key


def main(arguments: list[str]) -> int:
    """Return 0 if the worker renewed its leases within the last seconds; else print one line and return 1."""
    worker = arguments[0] if arguments else f"celery@{gethostname()}"
    try:
        with broker(load_settings()) as redis, redis_errors():
            alive = bool(redis.exists(worker_key(worker)))
    except TidemarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not alive:
        sys.stderr.write(f"{worker} is not alive, or works for another Redis\n")
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
