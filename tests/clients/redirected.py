"""Runs a program of somebody else's in its own environment, with its calls sent to the simulator.

`python redirected.py URL INSTANT MODULE:NAME ARGUMENT…` calls NAME of MODULE as its console script would. Its clock
stands at INSTANT. It stands alone: nothing of Tidemark's is installed where it runs.
"""

import ast
import importlib
import sys
import threading
from typing import Any

import time_machine
from elsewhere import all_calls_there


def main() -> None:
    url, instant, entry, *arguments = sys.argv[1:]
    module, _, name = entry.partition(":")
    sys.argv = [module, *arguments]
    parse_in_one_thread_at_a_time()
    with all_calls_there(url), time_machine.travel(instant, tick=False):
        getattr(importlib.import_module(module), name)()


def parse_in_one_thread_at_a_time() -> None:
    """Avoid a fault of Python 3.11, which Airbyte's framework meets where threads fill in templates at once.

    `ast.parse` then fails with "AST constructor recursion depth mismatch": threads share a count in it.
    """
    lock, parse = threading.RLock(), ast.parse

    def locked(*args: Any, **options: Any) -> Any:
        with lock:
            return parse(*args, **options)

    ast.parse = locked


if __name__ == "__main__":
    main()
