"""The circuit breaker of a platform: opened by failures in a row, closed by answers alone."""

import pytest

from metrics.clock import utcnow
from metrics.errors import CredentialError
from pipelines.collect.circuit_breaker import OPENS_AFTER, CircuitOpen, PlatformCircuitBreaker
from pipelines.platforms.errors import CallsUsed, NeedsReauth, RateLimited, Transient


def failed(times: int) -> PlatformCircuitBreaker:
    circuit = PlatformCircuitBreaker()
    for _ in range(times):
        circuit.note(Transient("500"))
    return circuit


def test_failures_in_a_row_open_it() -> None:
    failed(OPENS_AFTER - 1).check()
    with pytest.raises(CircuitOpen):
        failed(OPENS_AFTER).check()


@pytest.mark.parametrize("answer", [None, NeedsReauth("revoked")])
def test_any_answer_of_the_platform_closes_it(answer: Exception | None) -> None:
    circuit = failed(OPENS_AFTER)
    circuit.note(answer)
    circuit.check()


@pytest.mark.parametrize("error", [CredentialError("sealed with another key"), CircuitOpen("not requested")])
def test_account_for_which_nothing_was_requested_says_nothing(error: Exception) -> None:
    circuit = failed(OPENS_AFTER)
    circuit.note(error, requested=False)
    with pytest.raises(CircuitOpen):
        circuit.check()


@pytest.mark.parametrize("error", [RateLimited("paused", utcnow(), "account"), CallsUsed()])
def test_paused_accounts_do_not_open_it(error: RateLimited) -> None:
    circuit = PlatformCircuitBreaker()
    for _ in range(OPENS_AFTER):
        circuit.note(error, requested=False)
    circuit.check()
