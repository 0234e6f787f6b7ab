"""One setting chooses the executor; a missing package gives a one-line error."""

import pytest

from metrics.errors import SettingsError
from metrics.settings import Executor, load_settings
from pipelines.runs.executors import executor
from pipelines.runs.tags import Priority
from pipelines.scale.config import broker_url
from pipelines.scale.executor import celery_priority


@pytest.mark.parametrize(
    ("name", "known_as"), [("in_process", "in_process"), ("multiprocess", "multiprocess"), ("celery", "celery")]
)
def test_executor_is_that_of_the_setting(name: Executor, known_as: str) -> None:
    assert executor(name).name == known_as


def test_missing_package_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^TIDEMARK_EXECUTOR: k8s needs .*tidemark\[k8s\]"):
        executor("k8s")


@pytest.mark.parametrize(
    ("redis", "celery", "broker"),
    [
        ("redis://one:1/0", None, "redis://one:1/0"),
        ("redis+cluster://many:1", "redis://one:1/0", "redis://one:1/0"),
        ("rediss://one:1/0", None, "rediss://one:1/0?ssl_cert_reqs=required"),
        ("rediss://one:1/0?ssl_cert_reqs=none", None, "rediss://one:1/0?ssl_cert_reqs=none"),
    ],
)
def test_broker_is_redis_unless_it_has_a_url_of_its_own(redis: str, celery: str | None, broker: str) -> None:
    assert broker_url(load_settings(_env_file=None, redis_url=redis, celery_url=celery)) == broker


@pytest.mark.parametrize("redis", [None, "redis+cluster://many:1", "unix:///run/redis.sock"])
def test_broker_that_celery_cannot_use_is_refused(redis: str | None) -> None:
    with pytest.raises(SettingsError, match=r"^TIDEMARK_CELERY_URL: "):
        broker_url(load_settings(_env_file=None, redis_url=redis))


def test_what_goes_first_in_the_queue_goes_first_to_the_workers() -> None:
    runs = [Priority.HOURLY, Priority.OPERATION, Priority.ROLLUP, Priority.LATE, Priority.MISSED, {}]
    assert [celery_priority(tags) for tags in runs] == [0, 3, 6, 6, 9, 9]
