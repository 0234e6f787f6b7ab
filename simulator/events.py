"""Events in an audience, such as a spike or an outage: planted on purpose, and part of the truth from then on.

| kind | what it changes | `size` | `hours` |
|------|-----------------|--------|---------|
| `spike` | growth of all posts, amounts of the days | factor, such as 3 | how long; 3 by default |
| `outage` | the same | the share that is lost, 1 is silence | how long; 3 by default |
| `shift` | the same | factor | how long; without it for good |
| `platform_day` | the same, of a platform's accounts | factor | how long; 24 by default |
| `holiday` | the same | factor | how long; 24 by default |
| `follower_drop` | followers | the share that leaves, for good | within how long; 24 by default |
| `bought_followers` | followers | the share that is added, for good | within how long; 6 by default |
| `breakout` | growth of one post | factor | how long; without it for good |

`start` is an instant. `account` is a platform's id of an account; without it, an event strikes all accounts of
`platform`, or of all platforms. `share` is the share of these accounts that it strikes, by the seed. `post` is a
platform's id of a post of `account`: a `breakout` strikes that post alone, and needs both.

Growth that an event holds back does not come later, and growth that it adds is not missing later. A day's amount goes
by the part of the UTC day's activity that the event covers. Events that overlap multiply.

Faults of collection, which leave the audience alone, are no events: `simulator.faults` has `frozen`, `all_zeros`,
`vanished_metric` and others.
"""

import math
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal, get_args

from metrics.documents import Platform
from simulator.chance import unit

Kind = Literal["spike", "outage", "shift", "platform_day", "holiday", "follower_drop", "bought_followers", "breakout"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_EVENTS = 1_000
LARGEST = 1_000.0
LONGEST_HOURS = 24.0 * 3_650
OF_FOLLOWERS = frozenset[Kind](["follower_drop", "bought_followers"])
_HOURS: dict[Kind, float] = {
    "spike": 3.0, "outage": 3.0, "platform_day": 24.0, "holiday": 24.0, "follower_drop": 24.0, "bought_followers": 6.0,
}  # fmt: skip
OF_POST: Kind = "breakout"
_SHARES = frozenset[Kind](["outage", "follower_drop"])


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `id` is given when it is planted."""

    kind: Kind
    start: datetime
    size: float
    hours: float | None = None
    platform: Platform | None = None
    account: str | None = None
    share: float = 1.0
    post: str | None = None
    id: str = ""

    @classmethod
    def parse(cls, value: Any) -> "Event":
        """Return an event from its JSON form. Whether the platform and the account exist is not checked.

        Raises:
            ValueError: one line that says what is wrong.
        """
        names = [one.name for one in fields(cls) if one.name != "id"]
        if not isinstance(value, dict) or value.get("kind") not in KINDS:
            raise ValueError(f"an event has a kind: {', '.join(KINDS)}")
        kind: Kind = value["kind"]
        if unknown := sorted(value.keys() - names):
            raise ValueError(f"{unknown[0]}: an event has {', '.join(names)}")
        for name in ("platform", "account", "post"):
            if not (value.get(name) is None or isinstance(value[name], str)):
                raise ValueError(f"{name}: a text")
        if kind == "platform_day" and (value.get("platform") is None or value.get("account") is not None):
            raise ValueError("platform: an event of kind platform_day strikes one platform, and no single account")
        if kind == OF_POST and (value.get("account") is None or value.get("post") is None):
            raise ValueError("post: an event of kind breakout names an account and one of its posts")
        if kind != OF_POST and value.get("post") is not None:
            raise ValueError("post: only an event of kind breakout strikes one post")
        hours = value.get("hours", _HOURS.get(kind))
        return cls(
            kind,
            _instant(value.get("start")),
            _number("size", value.get("size"), _largest(kind)),
            None if hours is None else _number("hours", hours, LONGEST_HOURS),
            value.get("platform"),
            value.get("account"),
            _number("share", value.get("share", 1.0), 1.0),
            value.get("post"),
        )

    @property
    def end(self) -> datetime | None:
        """When an event of limited length ends; None if it lasts."""
        return None if self.hours is None else self.start + timedelta(hours=self.hours)

    @property
    def factor(self) -> float:
        """The factor of growth while the event lasts, or of the followers after it."""
        if self.kind == "bought_followers":
            return 1 + self.size
        return 1 - self.size if self.kind in _SHARES else self.size

    def strikes(self, platform: Platform, account: str, *seed: int) -> bool:
        """Tell whether an event strikes an account, given its platform, its id and the integers that seed it."""
        if self.platform not in (None, platform) or self.account not in (None, account):
            return False
        return self.share >= 1 or unit(*seed, int(self.start.timestamp()), KINDS.index(self.kind), 37) < self.share

    def as_json(self) -> dict[str, Any]:
        """Return all fields, and `end`."""
        return {**asdict(self), "end": self.end}


class Events:
    """The events of a world; none unless they are planted."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.planted: dict[str, Event] = {}

    def of(self, platform: Platform, account: str, *seed: int) -> list[Event]:
        """Return the events that strike an account, given its platform, its id and its seed."""
        return [event for event in self.planted.values() if event.strikes(platform, account, *seed)]

    def new_id(self) -> str:
        """Return an id that no event has had."""
        return f"event-{next(self._numbers)}"


def _instant(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("start: an instant such as 2026-06-01T12:00:00+00:00") from None
    if found.tzinfo is None or not 2000 <= found.year <= 2200:
        raise ValueError("start: an instant with a time zone, in the years 2000 to 2200")
    return found


def _number(name: str, value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}: a number")
    if not 0 <= value <= most or (name != "size" and value == 0):
        raise ValueError(f"{name}: above 0, and at most {most:g}")
    return float(value)


def _largest(kind: Kind) -> float:
    return 1.0 if kind in _SHARES else LARGEST
