"""What becomes of a step that failed: one line in the UI that says what to do, and further tries."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from metrics.errors import InvalidInput, SettingsError, Unavailable

REMEDY = "`tidemark doctor` tells what is wrong; when it answers again, run these partitions again: that mends them"


@contextmanager
def told_plainly() -> Iterator[None]:
    """Fail a step with one line: at once for what no further try can mend, after its retries where a store is away."""
    try:
        yield
    except (InvalidInput, SettingsError) as error:
        # The line says all there is to know: where it was raised helps nobody who reads the UI.
        raise dg.Failure(str(error), allow_retries=False) from None
    except Unavailable as error:
        raise dg.Failure(f"{error}. {REMEDY}") from error


@contextmanager
def tried_again(context: dg.OpExecutionContext | dg.AssetExecutionContext, retries: dg.RetryPolicy) -> Iterator[None]:
    """Try a step again when it fails, as `retry_policy` does, but not when somebody ends its run.

    Dagster takes the end of a run for a failure of its step: with a `retry_policy` the step begins again, and a run
    that is terminated in the UI, or for its max_runtime, goes on to its end.

    Raises:
        RetryRequested: the step failed and has tries left.
    """
    try:
        yield
    except dg.DagsterError:
        raise
    except Exception as error:
        final = isinstance(error, dg.Failure) and not error.allow_retries
        if final or context.retry_number >= retries.max_retries:
            raise
        delay = retries.calculate_delay(context.retry_number + 1)
        raise dg.RetryRequested(retries.max_retries, delay) from error
