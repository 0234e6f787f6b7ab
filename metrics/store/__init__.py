"""MongoDB: one module per collection, gathered in `Store`.

Synchronous on purpose: the pipelines use it as it is, serving calls it from worker threads (measured: threads answer
as many queries a second as PyMongo's asynchronous client), and there is one set of queries to be right.
"""

from metrics.store.store import Store

__all__ = ["Store"]
