"""Handling of failed steps: a one-line message in Dagster's UI that says what to do, and retries."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from metrics.errors import InvalidInput, SettingsError, Unavailable

REMEDY = "`tidemark doctor` tells what is wrong; when it answers again, run these partitions again: that repairs them"


@contextmanager
def one_line_failures() -> Iterator[None]:
    """Turn known errors into a failure with one line: without retries if the input or settings are wrong.

    If a store does not answer, the step is retried first (`retried`).
    """
    try:
        yield
    except (InvalidInput, SettingsError) as error:
        # The message is complete: a traceback would not help the reader of the UI.
        raise dg.Failure(str(error), allow_retries=False) from None
    except Unavailable as error:
        raise dg.Failure(f"{error}. {REMEDY}") from error


@contextmanager
def retried(context: dg.OpExecutionContext | dg.AssetExecutionContext, retries: dg.RetryPolicy) -> Iterator[None]:
    """Retry a step when it fails, as `retry_policy` does, but not when its run is terminated.

    Dagster treats the termination of a run as a failure of its step. So with a `retry_policy` the step would begin
    again, and a run that is terminated in the UI, or because of its max_runtime, would go on to its end.

    Raises:
        RetryRequested: the step failed and has retries left.
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
