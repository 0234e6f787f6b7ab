"""What assets of insights have in common: each of a run's partitions is made once it has ended, and materialised."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import dagster as dg

from metrics.clock import isoformat, utcnow
from pipelines.runs.progress import Progress

RETRIES = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Retries in case a store does not answer."""

Metadata = Mapping[str, dg.MetadataValue]


class Report(Protocol):
    """The numbers of what was made of a partition."""

    def summary(self) -> str:
        """Return the numbers in a line."""
        ...


ReportT = TypeVar("ReportT", bound=Report)


def each_ended(
    context: dg.AssetExecutionContext,
    start_of: Callable[[str], datetime],
    length: timedelta,
    make: Callable[[datetime, datetime], ReportT],
    metadata: Callable[[ReportT, datetime], Metadata],
) -> None:
    """Make each partition of a run, oldest first, and materialise it by an event of its own as soon as it is written.

    `start_of` returns the start of a partition by its key, and `length` is how long after it the partition can be made:
    what is too early is left out, and a warning says so. `make` gets the start and the present instant; `metadata` gets
    the report and the start.
    """
    keys = sorted(context.partition_keys)
    progress = Progress(len(keys), context.log.info)
    for key in keys:
        start, now = start_of(key), utcnow()
        if start + length > now:
            context.log.warning("%s is left out: it can be made from %s on", key, isoformat(start + length))
            continue
        report = make(start, now)
        progress.step(f"{key}: {report.summary()}")
        context.log_event(
            dg.AssetMaterialization(context.asset_key, partition=key, metadata=dict(metadata(report, start)))
        )
