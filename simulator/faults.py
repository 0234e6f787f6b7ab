"""Faults on demand: by rate, or a number of times, for every call or those of one account."""

from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, get_args

from simulator.chance import unit

Kind = Literal[
    "error",  # HTTP 500, code 2, transient
    "timeout",  # no answer for `seconds`
    "slow",  # the answer comes whole, but only after `seconds`
    "broken_json",
    "html",
    "app_limit",  # code 4
    "account_limit",  # code 80002 with minutes to wait
    "expired_token",  # code 190, subcode 463
    "permission",  # code 10; of a Facebook page code 100
    "before_conversion",  # code 100, subcode 2108006: insights of Instagram media older than `seconds`
    "retired_metric",  # `metric` fails for everybody
    "null_element",  # a batch element comes back as null
    "empty_page",  # a page of a list comes empty, and is not the last
    "partial",  # one object of several is not there
    "monthly_cap",  # X: the cap of the month, whatever the window says
    "no_credits",  # X: 402
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "rate": (int, float),
    "times": int,
    "account": str,
    "metric": str,
    "seconds": (int, float),
}


@dataclass
class Fault:
    """One fault. `times` counts down where it is set; `account` is a platform's id."""

    kind: Kind
    rate: float = 1.0
    times: int | None = None
    account: str | None = None
    metric: str | None = None
    seconds: float = 60.0

    @classmethod
    def parse(cls, value: Any) -> "Fault":
        """Return a fault of its JSON form.

        Raises:
            ValueError: one line that says what is wrong.
        """
        if not isinstance(value, dict) or value.get("kind") not in KINDS:
            raise ValueError(f"a fault has a kind: {', '.join(KINDS)}")
        for name, given in value.items():
            if name not in _FIELDS or not isinstance(given, _FIELDS[name]) or isinstance(given, bool):
                raise ValueError(f"{name}: a fault has {', '.join(_FIELDS)}")
        found = cls(**value)
        if not 0 <= found.rate <= 1:
            raise ValueError("rate: a share from 0 to 1")
        if (found.times or 0) < 0 or not 0 <= found.seconds < float("inf"):
            raise ValueError("times and seconds: not below 0")
        if (found.kind == "retired_metric") != (found.metric is not None):
            raise ValueError("metric: the one that kind retired_metric retires, and no other")
        return found


class Faults:
    """The faults in force; which call is hit follows from the seed and the number of the call."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbers = count()
        self.active: list[Fault] = []

    def strike(self, kind: Kind, account: str | None = None) -> Fault | None:
        """Return the fault of a kind that hits this call, if one does."""
        for fault in self.active:
            if fault.kind != kind or fault.account not in (None, account) or fault.times == 0:
                continue
            if unit(self._seed, next(self._numbers)) < fault.rate:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def retired(self) -> set[str]:
        """Return the metrics that no longer exist."""
        return {fault.metric for fault in self.active if fault.kind == "retired_metric" and fault.metric}
