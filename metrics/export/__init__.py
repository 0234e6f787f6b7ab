"""Exports: the same rows as CSV, NDJSON and Parquet, over HTTP and into folders.

`columns` defines the columns, `rows` turns documents into rows, and `encoders` writes rows in batches.
"""

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
