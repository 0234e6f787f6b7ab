"""Warehouses: rollups and observations in the databases of analysts, each day of a workspace exactly once.

`tables` defines what is loaded, `destinations` where to, and `loader` loads a day.
"""

import metrics.export  # noqa: F401  It chooses Arrow's memory pool, before Arrow is loaded.
