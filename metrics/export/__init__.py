"""Exports: the same rows as CSV, NDJSON and Parquet, over HTTP and into folders.

`columns` defines the columns, `rows` turns documents into rows, and `encoders` writes rows in batches.
"""

import os

# Arrow's other memory pools keep memory that is no longer used (measured: 14 MB more). Arrow reads the variable once,
# when it is loaded, which the modules of this package and of `metrics.warehouse` do.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from metrics.export.columns import DATASETS, FORMATS, MEDIA_TYPES, OVER_HTTP, Column, Dataset, Format, columns
from metrics.export.encoders import encode
from metrics.export.source import read

__all__ = [
    "DATASETS",
    "FORMATS",
    "MEDIA_TYPES",
    "OVER_HTTP",
    "Column",
    "Dataset",
    "Format",
    "columns",
    "encode",
    "read",
]
