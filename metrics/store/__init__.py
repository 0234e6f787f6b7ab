"""MongoDB: one module per collection, gathered in `Store`; `deletion` and `raw` work on any collection.

The store is synchronous on purpose, so that each query exists once: pipelines call it directly, and serving from worker
threads (measured: threads answer as many queries a second as PyMongo's asynchronous client).
"""

from metrics.store.store import Store

__all__ = ["Store"]
