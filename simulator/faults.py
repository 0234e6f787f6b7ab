"""Faults on demand: by rate, or a number of times, for every call or those that their fields choose.

Every fault may choose the calls that it hits; a field that is not given chooses them all.

| field     | what it says |
|-----------|--------------|
| `rate`    | the share of calls that are hit, 0 to 1 |
| `times`   | how many calls are hit; without it all of them |
| `account` | the platform's id of the account whose token the call carries |
| `object`  | the id of the object that is asked for: an account, a post, a child of an album |
| `path`    | a part of the call's path, such as `media`, `/insights`, `published_posts`; of a batch its element's |
| `page`    | the number of a page of a list; 1 is the first |

Some kinds have more to say; `Kind` tells what each of them does with it.

| field     | what it says | kinds |
|-----------|--------------|-------|
| `seconds` | how long | `timeout`, `slow`, `account_limit`, `before_conversion` |
| `metric`  | the provider's name of a metric | `retired_metric` |
| `at`      | the place in an answer, as `simulator.patches` reads it | `patch` |
| `value`   | what is put there | `patch` |
| `delete`  | `true`: the place is taken out | `patch` |
"""

from collections.abc import Iterator, Mapping
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
    "patch",  # `value` stands at the place `at` of an answer, or nothing does with `delete`
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "rate": (int, float),
    "times": int,
    "account": str,
    "object": str,
    "path": str,
    "page": int,
    "metric": str,
    "seconds": (int, float),
    "at": str,
    "value": object,
    "delete": bool,
}
_NEEDED: Mapping[Kind, frozenset[str]] = {
    "retired_metric": frozenset(["metric"]),
    "patch": frozenset(["at"]),
}
_OPTIONAL: Mapping[Kind, frozenset[str]] = {"patch": frozenset(["value", "delete"])}
_OF_SOME_KINDS = frozenset(["metric", "at", "value", "delete"])
_BOOLEAN = frozenset(["value", "delete"])


@dataclass
class Fault:
    """One fault. `times` counts down where it is set."""

    kind: Kind
    rate: float = 1.0
    times: int | None = None
    account: str | None = None
    object: str | None = None
    path: str | None = None
    page: int | None = None
    metric: str | None = None
    seconds: float = 60.0
    at: str | None = None
    value: Any = None
    delete: bool = False

    @classmethod
    def parse(cls, value: Any) -> "Fault":
        """Return a fault of its JSON form.

        Raises:
            ValueError: one line that says what is wrong.
        """
        if not isinstance(value, dict) or value.get("kind") not in KINDS:
            raise ValueError(f"a fault has a kind: {', '.join(KINDS)}")
        for name, given in value.items():
            if not _fits(name, given):
                raise ValueError(f"{name}: a fault has {', '.join(_FIELDS)}")
        found = cls(**value)
        if not 0 <= found.rate <= 1:
            raise ValueError("rate: a share from 0 to 1")
        if (found.times or 0) < 0 or not 0 <= found.seconds < float("inf"):
            raise ValueError("times and seconds: not below 0")
        if found.page is not None and found.page < 1:
            raise ValueError("page: 1 is the first page of a list")
        _check_own(found.kind, set(value))
        return found

    def concerns(self, account: str | None, name: str | None, path: str, page: int | None) -> bool:
        """Tell whether a call is among those that the fault's fields choose."""
        return (
            self.account in (None, account)
            and self.object in (None, name)
            and (self.path or "") in path
            and self.page in (None, page)
        )


def _fits(name: str, given: Any) -> bool:
    """Tell whether there is such a field, and whether a value is of its type; true and false are no numbers."""
    wanted = _FIELDS.get(name)
    return wanted is not None and isinstance(given, wanted) and (name in _BOOLEAN or not isinstance(given, bool))


def _check_own(kind: Kind, given: set[str]) -> None:
    """Refuse a field that its kind has no use for, and the lack of one that it needs."""
    needed = _NEEDED.get(kind, frozenset())
    if missing := sorted(needed - given):
        raise ValueError(f"{missing[0]}: a fault of kind {kind} needs it")
    if useless := sorted((given & _OF_SOME_KINDS) - needed - _OPTIONAL.get(kind, frozenset())):
        raise ValueError(f"{useless[0]}: a fault of kind {kind} has no use for it")


class Faults:
    """The faults in force; which call is hit follows from the seed and the number of the call."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbers = count()
        self.active: list[Fault] = []

    def strike(
        self,
        kind: Kind,
        account: str | None = None,
        *,
        name: str | None = None,
        path: str = "",
        page: int | None = None,
    ) -> Fault | None:
        """Return the fault of a kind that hits this call, if one does.

        `name` is the id of the object that is asked for, `page` the number of the page of a list.
        """
        return next(self.strikes(kind, account, name=name, path=path, page=page), None)

    def strikes(
        self,
        kind: Kind,
        account: str | None = None,
        *,
        name: str | None = None,
        path: str = "",
        page: int | None = None,
    ) -> Iterator[Fault]:
        """Yield every fault of a kind that hits this call, in the order in which they were set."""
        for fault in self.active:
            if fault.kind != kind or fault.times == 0 or not fault.concerns(account, name, path, page):
                continue
            if unit(self._seed, next(self._numbers)) < fault.rate:
                if fault.times is not None:
                    fault.times -= 1
                yield fault

    def retired(self) -> set[str]:
        """Return the metrics that no longer exist."""
        return {fault.metric for fault in self.active if fault.kind == "retired_metric" and fault.metric}
