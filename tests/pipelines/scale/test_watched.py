"""A step gives its result even if some of its workers are gone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery.exceptions import WorkerLostError
from redis import Redis

from pipelines.scale.leases import BEAT_SECONDS, Leases
from pipelines.scale.watched import MAX_LOST, StepLost, WatchedStep


@dataclass
class Task:
    """A fake of Celery's result of one submission."""

    id: str
    result: Any = None

    def ready(self) -> bool:
        return self.result is not None

    def get(self) -> Any:
        return self.result

    def forget(self) -> None:
        self.result = None


@dataclass
class Workers:
    """The submissions, the clock, and the messages about lost workers."""

    leases: Leases
    tasks: list[Task] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    now: float = 0.0

    def submit(self) -> Task:
        self.tasks.append(Task(f"task-{len(self.tasks)}"))
        return self.tasks[-1]

    def step(self) -> WatchedStep:
        return WatchedStep(self.submit, self.leases, self.messages.append, lambda: self.now)

    def look(self, step: WatchedStep, times: int = 1) -> bool:
        for _ in range(times):
            self.now += BEAT_SECONDS
            ended = step.ready()
        return ended


@pytest.fixture
def workers(redis_client: Redis) -> Workers:
    return Workers(Leases(redis_client))


def take(workers: Workers, redis: Redis) -> Callable[[], object]:
    """Let a worker take the newest submission; return a function that makes the worker vanish."""
    workers.leases.hold("one", [workers.tasks[-1].id])
    return lambda: redis.delete(f"tm:celery:lease:{workers.tasks[-1].id}")


def test_step_that_waits_for_a_worker_is_not_lost(workers: Workers) -> None:
    assert not workers.look(workers.step(), times=100)
    assert len(workers.tasks) == 1


def test_step_of_a_worker_that_is_gone_is_submitted_again(workers: Workers, redis_client: Redis) -> None:
    step = workers.step()
    vanish = take(workers, redis_client)
    assert not workers.look(step, times=5)
    vanish()
    assert not workers.look(step, times=2)
    assert (len(workers.tasks), workers.messages) == (2, ["one is gone: the step is submitted again"])
    workers.tasks[-1].result = ["event"]
    assert workers.look(step)
    assert step.get() == ["event"]


def test_step_of_a_killed_process_is_submitted_again(workers: Workers) -> None:
    step = workers.step()
    workers.tasks[-1].result = WorkerLostError("signal 9")
    assert not workers.look(step)
    assert len(workers.tasks) == 2


def test_step_that_kills_its_workers_fails(workers: Workers) -> None:
    step = workers.step()
    for _ in range(MAX_LOST - 1):
        workers.tasks[-1].result = WorkerLostError("signal 9")
        assert not workers.look(step)
    workers.tasks[-1].result = WorkerLostError("signal 9")
    assert workers.look(step)
    with pytest.raises(StepLost, match="3 workers were lost"):
        step.get()


def test_nothing_is_lost_while_redis_is_away(workers: Workers, redis_client: Redis, absent_redis: Redis) -> None:
    step = workers.step()
    take(workers, redis_client)
    workers.look(step)
    there = workers.leases
    workers.leases = step._leases = Leases(absent_redis)
    assert not workers.look(step, times=10)
    step._leases = there
    assert not workers.look(step)
    assert len(workers.tasks) == 1
