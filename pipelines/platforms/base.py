"""What a platform module offers to collection, and the plain data that passes between them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from metrics.documents import ContentType, MetricType, Platform, Reason
from pipelines.platforms.errors import BadAnswer, RateLimited, Transient

FOLLOWED_DAYS = 90
"""Posts older than that are no longer looked at."""

EMPTY_PAGES = 5
"""Empty pages in a row that a list may have before it counts as ended: what is hidden leaves gaps (platforms.md, 1)."""


@dataclass(frozen=True, slots=True)
class ProviderDays:
    """When a platform's own days are read.

    `hours` are the slots of a UTC day in which the newest days are read, `settling` how many of them still change,
    `lag` how long after 00:00 UTC of its date a day is over and counted.
    """

    hours: tuple[int, ...]
    settling: int
    lag: timedelta


@dataclass(frozen=True, slots=True)
class Access:
    """An account and the open credentials to read it; the repr keeps them to itself."""

    platform_account_id: str
    credentials: Mapping[str, Any] = field(repr=False)

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.credentials["access_token"])


@dataclass(frozen=True, slots=True)
class Post:
    """A post as its platform names it."""

    platform_post_id: str
    metric_type: MetricType
    content_type: ContentType
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Numbers by canonical name, reasons for those that are missing, and the instant of the answer."""

    read_at: datetime
    metrics: Mapping[str, int | float] = field(default_factory=dict)
    unavailable: Mapping[str, Reason] = field(default_factory=dict)


@dataclass
class AccountReading:
    """What an account and its posts say now. `quarantined` names metrics that the platform refused."""

    account: Reading
    posts: list[tuple[Post, Reading]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Read a part whose failure leaves the others; what concerns them too, a limit or a dead token, is raised."""
        try:
            yield
        except (Transient, BadAnswer) as error:
            self.failures[what] = str(error)


@dataclass
class Tally:
    """What the calls of an account cost.

    `near_limit` is set where little of the budget is left, `limited` where a limit was met after something was read:
    that is kept, and no more is asked.
    """

    calls: int = 0
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    near_limit: RateLimited | None = None
    limited: RateLimited | None = None


class PlatformApi(Protocol):
    """One platform. Every method raises a leaf of `pipelines.platforms.errors`."""

    @property
    def name(self) -> Platform:
        """The platform's name."""
        ...

    @property
    def api_version(self) -> str:
        """The version that answers."""
        ...

    @property
    def days(self) -> ProviderDays | None:
        """When the platform's own days are read; None where it has none."""
        ...

    def read(
        self,
        access: Access,
        followed: Sequence[Post],
        is_due: Callable[[Post], bool],
        known: Collection[str],
        tally: Tally,
    ) -> AccountReading:
        """Return what the account, its due posts and its new ones say now.

        `followed` are the living posts that are known, `known` the platform ids of all posts ever seen.
        """
        ...

    def read_days(self, access: Access, days: Sequence[date], tally: Tally) -> dict[date, Reading]:
        """Return what the platform says of its own days, by their date; not called where `days` is None."""
        ...

    def refresh(self, access: Access, tally: Tally, /) -> Mapping[str, Any] | None:
        """Return renewed credentials, or None where a person has to connect the account again.

        The caller stores them before they are used. `expires_at`, in seconds since 1970, is among them where the
        platform says when they end: the caller renews them in good time.
        """
        ...
