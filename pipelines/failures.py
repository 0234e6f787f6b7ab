"""What the UI shows of a step that failed for a reason we know: one line that says what to do."""

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
        raise dg.Failure(str(error), allow_retries=False) from error
    except Unavailable as error:
        raise dg.Failure(f"{error}. {REMEDY}") from error
