"""Exports: the same rows as CSV, as NDJSON and as Parquet, over HTTP and into folders.

`columns` says what there is, `rows` makes documents fit to it, `encoders` write them, a batch at a time.
"""

from metrics.export.columns import DATASETS, FORMATS, MEDIA_TYPES, Column, Dataset, Format, columns
from metrics.export.encoders import encode
from metrics.export.source import read

__all__ = ["DATASETS", "FORMATS", "MEDIA_TYPES", "Column", "Dataset", "Format", "columns", "encode", "read"]
