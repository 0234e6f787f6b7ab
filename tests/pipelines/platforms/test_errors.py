"""Tests that platform errors can be pickled, to cross process boundaries."""

import pickle

import pytest

from metrics.clock import utcnow
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
    RateLimited,
    Transient,
)

LEAVES: list[PlatformError] = [
    Transient("busy", 3.0),
    RateLimited("enough", utcnow(), "app"),
    NeedsReauth("expired"),
    PermissionMissing("no scope"),
    MetricRefused("no such metric"),
    PostUnavailable("too few viewers", "privacy_threshold"),
    PostGone("deleted"),
    BadAnswer("HTML"),
]


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: type(error).__name__)
def test_pickling_keeps_type_message_and_values(error: PlatformError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
