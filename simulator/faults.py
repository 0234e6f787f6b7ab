"""Faults on demand: at a rate or a number of times, for every call or for calls selected by fields of the fault.

The following fields of every fault select the calls that it hits; an absent field does not restrict them.

| field     | meaning |
|-----------|--------------|
| `rate`    | the share of calls that are hit, 0 to 1 |
| `times`   | how many calls are hit; without it all of them |
| `account` | the platform's id of the account whose token the call carries, or which the fault changes |
| `object`  | the id of a requested object: an account, a post, a child of an album |
| `path`    | a part of the call's path, such as `media`, `/insights`, `users/by`; in a batch, of the element's path |
| `page`    | the number of the requested page of a list; 1 is the first |

The kind of a fault determines its effect and its other fields; a field that a kind does not use is refused.
`GET /_control/faults` shows each fault with `struck`, the number of calls that it has hit so far.

| kind | effect |
|------|--------------|
| `error` | HTTP 500 (X: 503) in the platform's own form, transient |
| `timeout`, `slow` | the answer comes only after `seconds` |
| `app_limit`, `account_limit` | the platform's error for too many calls; the Graph API states `seconds` in minutes |
| `expired_token` | the token expires, until all faults are deleted |
| `permission` | the platform's error for a missing permission |
| `before_conversion` | insights of Instagram media older than `seconds` are refused |
| `retired_metric` | `metric` is refused for all accounts, as an unknown one |
| `null_element` | an element of a batch of the Graph API comes back as null |
| `empty_page` | a page of a list is empty, although it is not the last |
| `partial` | an object is missing, also from lists if `object` or `account` is its id; without an id, any object |
| `monthly_cap` | X: 429 for the monthly cap of the project, until its next month begins: on day `value`, or the 28th |
| `no_credits` | X: 402, until the fault is removed |
| `private_window` | X: a timeline requested with private metrics reaches back only thirty days, as its page says |
| `repeated_cursor` | a list never ends: Meta and X name the same next page, LinkedIn repeats the same elements |
| `app_secret` | the token endpoint refuses the secret of the app, as after it was renewed at the platform |
| `early_days` | Pinterest: analytics of any range of days are refused as older than ninety days |
| `too_much_data` | Meta: a list with more than `value` items per page fails with code 1 ("reduce the amount of data") |
| `refused_metric` | Meta: `metric` is refused for `object`, or for all of `account`, though its kind has it |
| `localised` | Meta: errors have a user-facing text in the language `value`: `de`, `pt` or `th` |
| `pinned` | Meta: the post with the id `value` is first in the lists of `account`, however old it is |
| `reels_among_posts` | Facebook: lists of posts contain the reels as well, under another id |
| `instagram_login` | Instagram: the token of `account` is one of Instagram Login, and works only at its host |
| `rename` | `account` has the handle `value`; all its other names change with it |
| `suspended`, `deleted` | `account` is gone; X's answer to other users is recorded, the other texts are guesses |
| `all_zeros` | the platform's index is empty: every count in an answer is 0 |
| `frozen` | levels and lifetime counters of an answer are those of the instant at which the fault was set |
| `vanished_metric` | `metric` is missing from an answer, wherever it would be |
| `patch` | the place `at` of an answer holds `value`, or is removed with `delete`; see `simulator.patches` |
| `html` | an HTML page instead of an answer |
| `foreign_body` | HTTP 200, and `value` is the whole body: a list, text, null |
| `proxy_error` | HTTP 200 with the error of a proxy, as JSON in a form that no platform uses |
| `redirect` | HTTP 302 to the address `value` |
| `broken_json` | the body ends in the middle |
| `empty_body` | the status is unchanged, the body is empty |
| `broken_gzip` | the body is declared as gzip, but cannot be decompressed |
| `cut` | the connection is closed in the middle of a chunked body |
| `drip` | one byte of the body is sent every `seconds` |
| `retry_after` | answers 429 and 503 have a `Retry-After`: `value`, a number or text, or else `seconds` |
| `rate_limit_reset` | answers 429 and 503 have `value`, a number or text, as `x-rate-limit-reset` |
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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
    "retired_metric",  # `metric` fails for all accounts
    "null_element",  # a batch element comes back as null
    "empty_page",  # a page of a list is empty, although it is not the last
    "partial",  # one object of several is missing
    "monthly_cap",  # X: the monthly cap, regardless of the rate-limit window
    "no_credits",  # X: 402
    "all_zeros",  # every count in an answer is 0
    "frozen",  # levels and lifetime counters stand still from the instant at which the fault was set
    "vanished_metric",  # `metric` is missing from answers
    "patch",  # the place `at` of an answer holds `value`, or is removed with `delete`
    "proxy_error",  # HTTP 200 with the JSON of a proxy
    "foreign_body",  # HTTP 200 with `value` as the whole body
    "redirect",  # HTTP 302 to `value`
    "empty_body",  # the status without a body
    "broken_gzip",  # a body declared as gzip that is not gzip
    "cut",  # the connection is closed within the body
    "drip",  # a byte of the body every `seconds`
    "retry_after",  # a `Retry-After` of `value` or `seconds` on 429 and 503
    "rate_limit_reset",  # an `x-rate-limit-reset` of `value` on 429 and 503
    "app_secret",  # the token endpoint refuses the secret of the app
    "early_days",  # Pinterest: code 1, a range of days is taken for one that is too old
    "too_much_data",  # Meta: code 1 for lists of more than `value` items a page
    "refused_metric",  # Meta: `metric` is refused by some objects of a kind
    "localised",  # Meta: errors with a text in the language `value`
    "pinned",  # Meta: the post `value` is first in lists
    "reels_among_posts",  # Facebook: lists of posts contain reels, too
    "instagram_login",  # Instagram: a token that works only at graph.instagram.com
    "private_window",  # X: a timeline with private metrics reaches back thirty days
    "repeated_cursor",  # a list never ends
    "rename",  # `account` has the handle `value`
    "suspended",  # `account` is suspended
    "deleted",  # `account` is deleted
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Name = str | frozenset[str] | None
"""The id of the object that a call requests, or the ids in its path and parameters."""

LANGUAGES = ("de", "pt", "th")
_HEADER = re.compile(r"[\x20-\x7e]*")
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
    "refused_metric": frozenset(["metric"]),
    "vanished_metric": frozenset(["metric"]),
    "too_much_data": frozenset(["value"]),
    "localised": frozenset(["value"]),
    "pinned": frozenset(["account", "value"]),
    "instagram_login": frozenset(["account"]),
    "patch": frozenset(["at"]),
    "foreign_body": frozenset(["value"]),
    "redirect": frozenset(["value"]),
    "rate_limit_reset": frozenset(["value"]),
    "rename": frozenset(["account", "value"]),
    "suspended": frozenset(["account"]),
    "deleted": frozenset(["account"]),
}
_OPTIONAL: Mapping[Kind, frozenset[str]] = {
    "timeout": frozenset(["seconds"]),
    "slow": frozenset(["seconds"]),
    "account_limit": frozenset(["seconds"]),
    "before_conversion": frozenset(["seconds"]),
    "patch": frozenset(["value", "delete"]),
    "drip": frozenset(["seconds"]),
    "monthly_cap": frozenset(["value"]),
    "retry_after": frozenset(["seconds", "value"]),
}
_OF_SOME_KINDS = frozenset(["metric", "seconds", "at", "value", "delete"])
_BOOLEAN = frozenset(["value", "delete"])


@dataclass
class Fault:
    """One fault. `times`, if set, counts down with each hit."""

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
    struck: int = 0
    """How many calls the fault has hit; counted by the simulator, never given as input."""

    @classmethod
    def parse(cls, value: Any) -> "Fault":
        """Return a fault from its JSON form.

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
        _check_value(found)
        return found

    def concerns(self, account: str | None, name: Name, path: str, page: int | None) -> bool:
        """Tell whether the fault's fields select a call."""
        return (
            self.account in (None, account)
            and (self.object in (None, name) or (isinstance(name, frozenset) and self.object in name))
            and (self.path or "") in path
            and self.page in (None, page)
        )


def _fits(name: str, given: Any) -> bool:
    """Tell whether a field exists and a value has its type; booleans do not count as numbers."""
    wanted = _FIELDS.get(name)
    return wanted is not None and isinstance(given, wanted) and (name in _BOOLEAN or not isinstance(given, bool))


def _check_own(kind: Kind, given: set[str]) -> None:
    """Refuse fields that the kind of a fault does not use, and the absence of fields that it needs."""
    needed = _NEEDED.get(kind, frozenset())
    if missing := sorted(needed - given):
        raise ValueError(f"{missing[0]}: a fault of kind {kind} needs it")
    if useless := sorted((given & _OF_SOME_KINDS) - needed - _OPTIONAL.get(kind, frozenset())):
        raise ValueError(f"{useless[0]}: a fault of kind {kind} does not use it")


def _check_value(fault: Fault) -> None:
    """Refuse a value that the kind of a fault cannot use."""
    value = fault.value
    if fault.kind == "monthly_cap" and value is not None and not (type(value) is int and 1 <= value <= 31):
        raise ValueError("value: the day of the month on which a cap is lifted, from 1 to 31")
    if fault.kind == "too_much_data" and not (type(value) is int and value >= 1):
        raise ValueError("value: the maximum number of items per page, at least 1")
    if fault.kind == "localised" and value not in LANGUAGES:
        raise ValueError(f"value: a language of {', '.join(LANGUAGES)}")
    if fault.kind == "pinned" and not isinstance(value, str):
        raise ValueError("value: the id of a post")
    if fault.kind == "rename" and not (isinstance(value, str) and re.fullmatch(r"\w+([.-]\w+)*", value)):
        raise ValueError("value: rename needs the text of a handle, such as new.name")
    if fault.kind == "redirect" and not (isinstance(value, str) and _HEADER.fullmatch(value)):
        raise ValueError("value: redirect needs the text of an address")
    if fault.kind in ("retry_after", "rate_limit_reset") and value is not None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number and not (isinstance(value, str) and _HEADER.fullmatch(value)):
            raise ValueError(f"value: {fault.kind} needs a number, or text that a header can hold")


class Faults:
    """The active faults. The seed and the number of a call decide whether a fault hits it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbers = count()
        self.active: list[Fault] = []
        self.since = datetime.min.replace(tzinfo=UTC)
        """When the faults were set, by the simulator's clock."""

    def put(self, faults: list[Fault], now: datetime) -> None:
        """Replace the active faults."""
        self.active, self.since = faults, now

    def strike(
        self,
        kind: Kind,
        account: str | None = None,
        *,
        name: Name = None,
        path: str = "",
        page: int | None = None,
    ) -> Fault | None:
        """Return the fault of a kind that hits this call, if one does.

        `name` is the id of the requested object, or a set of ids; `page` is the number of the requested page of a list.
        """
        return next(self.strikes(kind, account, name=name, path=path, page=page), None)

    def strikes(
        self,
        kind: Kind,
        account: str | None = None,
        *,
        name: Name = None,
        path: str = "",
        page: int | None = None,
    ) -> Iterator[Fault]:
        """Yield every fault of a kind that hits this call, in the order in which they were set."""
        for fault in self.active:
            if fault.kind != kind or fault.times == 0 or not fault.concerns(account, name, path, page):
                continue
            if self.hits(fault):
                yield fault

    def hits(self, fault: Fault) -> bool:
        """Decide whether a fault hits a call that its fields select, and count the hit."""
        if unit(self._seed, next(self._numbers)) >= fault.rate:
            return False
        if fault.times is not None:
            fault.times -= 1
        fault.struck += 1
        return True

    def retired(self) -> set[str]:
        """Return the metrics that no longer exist."""
        return {fault.metric for fault in self.active if fault.kind == "retired_metric" and fault.metric}

    def retires(self, metric: str) -> bool:
        """Tell whether a requested metric no longer exists; if so, count a hit of its fault."""
        found = [fault for fault in self.active if fault.kind == "retired_metric" and fault.metric == metric]
        for fault in found:
            fault.struck += 1
        return bool(found)


@dataclass(frozen=True, slots=True)
class Target:
    """The properties of one call by which faults select it."""

    faults: Faults
    account: str | None
    names: frozenset[str]
    path: str
    page: int | None

    def strike(self, kind: Kind, name: str | None = None) -> Fault | None:
        """Return the fault of a kind that hits the call, if any; `name` is one of the call's objects."""
        return next(self.strikes(kind, name), None)

    def hides(self, name: str) -> bool:
        """Tell whether a fault of kind `partial` hides an object; the fault may name it as `object` or as `account`."""
        return self.faults.strike("partial", name, name=name, path=self.path, page=self.page) is not None

    def hides_in_lists(self, name: str) -> bool:
        """Tell whether an object is missing from lists too: only if a fault of kind `partial` names it."""
        named = any(fault.kind == "partial" and name in (fault.object, fault.account) for fault in self.faults.active)
        return named and self.hides(name)

    def strike_account(self, kind: Kind, account: str) -> Fault | None:
        """Return the fault of a kind that changes an account, whichever token the call carries."""
        return self.faults.strike(kind, account, name=account, path=self.path, page=self.page)

    def strikes(self, kind: Kind, name: str | None = None) -> Iterator[Fault]:
        """Yield every fault of a kind that hits the call."""
        return self.faults.strikes(kind, self.account, name=name or self.names, path=self.path, page=self.page)

    def strike_first(self, kind: Kind, which: Callable[[Fault], bool]) -> Fault | None:
        """Return the first fault of a kind that hits the call and satisfies `which`."""
        meant = (f for f in self.faults.active if f.kind == kind and f.times != 0 and self.is_chosen_by(f) and which(f))
        return next((fault for fault in meant if self.faults.hits(fault)), None)

    def is_chosen_by(self, fault: Fault) -> bool:
        """Tell whether a fault's fields select the call."""
        return fault.concerns(self.account, self.names, self.path, self.page)

    def strike_chosen(self, kind: Kind) -> Fault | None:
        """Return the fault of a kind that hits the call and selects it by object, path or page."""
        return self.strike_first(kind, lambda fault: bool(fault.object or fault.path or fault.page))

    def refuses(self, metric: str) -> bool:
        """Tell whether a metric is refused for the object of the call; if so, count a hit of its fault."""
        return self.strike_first("refused_metric", lambda fault: fault.metric == metric) is not None
