"""What a platform module offers to collection, and the plain data that passes between them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from metrics.documents import ContentType, MetricType, Platform, Reason
from metrics.periods import midnight
from pipelines.platforms.errors import NeedsReauth, PlatformError, RateLimited
from pipelines.platforms.memory import Memory
from pipelines.platforms.numbers import Numbers

TRIES = 4
"""How often a call is tried while what fails may pass."""

FOLLOWED = timedelta(days=90)
"""Posts older than that are no longer looked at."""


@dataclass(frozen=True, slots=True)
class ProviderDays:
    """When a platform's own days are read, and how far back they can be asked for.

    `hours` are the slots of a UTC day in which the newest days are read, `settling` how many of them still change,
    `lag` how long after 00:00 UTC of its date a day is over and counted. One request may reach over `span` days, and
    the platform answers for days that began no longer ago than `reach`; `shorter` has the metrics, by canonical name,
    for which it answers less far back.
    """

    hours: tuple[int, ...]
    settling: int
    lag: timedelta
    span: int
    reach: timedelta
    shorter: Mapping[str, timedelta] = field(default_factory=dict)

    def answers(self, name: str, day: date, now: datetime) -> bool:
        """Tell whether the platform still answers for a metric of a day that is within its reach."""
        reach = self.shorter.get(name)
        return reach is None or midnight(day) + reach >= now

    def newest(self, now: datetime) -> date:
        """Return the newest day that is over and counted."""
        return (now - self.lag).date()

    def oldest(self, now: datetime) -> date:
        """Return the oldest day that the platform answers for."""
        return (now - self.reach - timedelta(microseconds=1)).date() + timedelta(days=1)


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
    """A post as its platform names it; `published_at` is None where the platform does not say.

    `refused` are the metrics that the platform refused for this very post, and that are not asked again today.
    `kind_is_sure` is False where a list left out of which kind a post is, and the types are a guess.
    """

    platform_post_id: str
    metric_type: MetricType
    content_type: ContentType
    published_at: datetime | None
    refused: frozenset[str] = frozenset()
    kind_is_sure: bool = True

    @property
    def kind(self) -> tuple[MetricType, ContentType]:
        """What decides which metrics a post has."""
        return self.metric_type, self.content_type


@dataclass(frozen=True, slots=True)
class Reading:
    """Numbers by canonical name, reasons for those that are missing, and the instant of the answer."""

    read_at: datetime
    metrics: Mapping[str, int | float] = field(default_factory=dict)
    unavailable: Mapping[str, Reason] = field(default_factory=dict)


@dataclass
class AccountReading:
    """What an account and its posts say now.

    `listed` are the posts that the account's lists brought, with the facts that the lists give of them; `posts` those
    that were read. `handle` is the account's name of today, None where the answer holds none. `gone` are ids of posts
    that are no longer there, `same` has ids of known posts with the ids under which the lists bring the same objects.
    `refused` has the metrics that single posts refused, `quarantined` names those that are
    refused for a kind. `failures` says of each part that was not read why, `odd` of each value that is no number.
    `insights_granted` tells whether the token saw insights of any post, `insights_denied` of how many it may not.
    """

    account: Reading
    handle: str | None = None
    listed: dict[str, Post] = field(default_factory=dict)
    posts: list[tuple[Post, Reading]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    same: dict[str, str] = field(default_factory=dict)
    refused: dict[str, frozenset[str]] = field(default_factory=dict)
    quarantined: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    insights_granted: bool = False
    insights_denied: int = 0

    def note_odd(self, subject: str, values: Mapping[str, str]) -> None:
        """Note values of a subject that are no numbers."""
        self.odd.update({f"{name} of {subject}": said for name, said in values.items()})

    @contextmanager
    def part(self, what: str, tally: "Tally") -> Iterator[None]:
        """Read a part whose failure leaves the others; after a limit, which `tally` notes, nothing more may be asked.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        try:
            yield
        except NeedsReauth:
            raise
        except PlatformError as error:
            if isinstance(error, RateLimited):
                tally.limited = error
            self.failures[what] = str(error)


@dataclass(frozen=True)
class DaysReading:
    """What a platform says of its own days, by their date.

    `odd` has the values that are no numbers, `failures` say of each part that could not be read why.
    """

    days: Mapping[date, Reading]
    odd: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, days: Mapping[date, Numbers], read_at: datetime, failures: Mapping[str, PlatformError] | None = None
    ) -> "DaysReading":
        """Return the reading of numbers that were taken by day; `failures` are of those that could not be read.

        Raises:
            PlatformError: there are no numbers at all, and the first failure is why.
        """
        if failures and not any(one.metrics for one in days.values()):
            raise next(iter(failures.values()))
        odd = {f"{name} of {day:%Y-%m-%d}": said for day, one in days.items() for name, said in one.odd.items()}
        found = {day: Reading(read_at, one.metrics, one.unavailable) for day, one in days.items()}
        return cls(found, odd, {what: str(error) for what, error in (failures or {}).items()})


@dataclass(frozen=True, slots=True)
class Reserved:
    """Posts that may be read; `name` identifies them in the budget, empty where nothing was taken out of any."""

    posts: int
    name: str = ""


class PostBudget(Protocol):
    """A budget of distinct posts, where a platform bills by the post."""

    def left(self) -> int | None:
        """Return how many posts may still be reserved; None where nothing limits them."""
        ...

    def reserve(self, posts: int, least: int) -> Reserved:
        """Reserve up to so many posts before they are asked for; none where fewer than `least` are left."""
        ...

    def settle(self, reserved: Reserved, post_ids: Iterable[str]) -> None:
        """Count posts that were read, and give back what was reserved for them."""
        ...

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read and for which nothing was reserved."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What collection wants of an account.

    `due` are the posts to read. `known` are all posts that are stored, by the platform's id; of these `announced` were
    named by somebody and never brought by a list, `deleted` are no longer on the platform, `same` are known under
    another id as well, and `unread` are to be read where a list brings them. Lists are read back to posts published at
    `since`. The reading brings `memory` up to date; the caller keeps it once the reading is stored.
    """

    since: datetime
    due: Sequence[Post] = ()
    known: Mapping[str, Post] = field(default_factory=dict)
    announced: Collection[str] = ()
    deleted: Collection[str] = ()
    unread: Collection[str] = ()
    memory: Memory = field(default_factory=Memory)
    budget: PostBudget | None = None
    same: Collection[str] = ()

    @property
    def listed(self) -> Collection[str]:
        """The ids that lists brought at earlier times: an announced one says nothing of what lies beneath it."""
        return self.known.keys() - set(self.announced)

    def settled(self, post: Post) -> Post:
        """Return a listed post; of the kind that is stored where the list left its kind out."""
        known = self.known.get(post.platform_post_id)
        if post.kind_is_sure or known is None:
            return post
        return replace(post, metric_type=known.metric_type, content_type=known.content_type)

    def news(self, listed: Mapping[str, Post]) -> list[Post]:
        """Return the listed posts that are new, unread, back again, or of another kind than the one that is stored."""
        again = {*self.deleted, *self.unread}
        return [
            post
            for name, post in listed.items()
            if name not in self.known or name in again or self.known[name].kind != post.kind
        ]


@dataclass
class Tally:
    """What the calls of an account cost.

    `tries` is how often a call is tried while what fails may pass. `near_limit` is set where little of the budget is
    left, `limited` where a limit was met after something was read: that is kept, and no more is asked. `used_percent`
    is the highest share of a budget of the platform's that an answer told of; 0 where no answer told of any.
    """

    tries: int = TRIES
    calls: int = 0
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    near_limit: RateLimited | None = None
    limited: RateLimited | None = None
    used_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that credentials can read: the platform's id, and the name under which it is shown, if it is told."""

    platform_account_id: str
    handle: str | None


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

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the credentials can read, in one call.

        Raises:
            WrongIdentity: it is another one than the account that `access` names.
            AccountUnreachable: the account is not there, or not for this token.
        """
        ...

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return what the account, its due posts and its new ones say now."""
        ...

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield, page by page, what the account's lists hold back to `wanted.since`, with the numbers of now.

        A page's reading has the posts that it lists, and the numbers of those that are not among `wanted.known`; of the
        account itself it says nothing. When a page is yielded, `wanted.memory`, which is this purpose's own, tells
        where the next one begins: the caller keeps it once the page is stored, and a later call goes on there. A list
        whose end was reached is `done` in it. What was not read is said by the failures of the readings.
        """
        ...

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
    ) -> DaysReading:
        """Return what the platform says of its own days; not called where `days` is None.

        The first and the last of `days` lie less than `ProviderDays.span` days apart.

        Raises:
            BudgetUsed: `budget` does not reach for the posts that this bills.
            PlatformError: what else the answers mean.
        """
        ...

    def refresh(self, access: Access, tally: Tally, /) -> Mapping[str, Any] | None:
        """Return renewed credentials, or None where a person has to connect the account again.

        The caller stores them before they are used. `expires_at`, in seconds since 1970, is among them where the
        platform says when they end: the caller renews them in good time.
        """
        ...
