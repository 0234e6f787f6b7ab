"""The interface between collection and the platforms: the protocol `PlatformApi` and its data classes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from metrics.documents import ContentType, MetricType, Platform, Reason
from metrics.settings import Settings
from pipelines.platforms.errors import NeedsReauth, PlatformError, QuotaUsed, RateLimited
from pipelines.platforms.limits import CallBudget, Pace, PostBudget, Quotas, Unpaced
from pipelines.platforms.memory import Memory
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.provider_days import ProviderDays

TRIES = 4
"""Maximum number of attempts of a call that fails with transient errors."""

FurtherHosts = Mapping[str, Callable[[Settings], str]]
"""The further hosts of a platform: how each base URL follows from the settings, by argument of the constructor."""

FOLLOWED = timedelta(days=90)
"""Posts older than this are no longer read."""


@dataclass(frozen=True, slots=True)
class Access:
    """An account and the decrypted credentials to read it; the repr does not show the credentials."""

    platform_account_id: str
    credentials: Mapping[str, Any] = field(repr=False)

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.credentials["access_token"])


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a post as a platform returned it: of any type and length, not checked, and personal data.

    `caption` is plain text: clients remove their platform's markup. `pipelines.collect.posts.content` checks the values
    and decides what is stored. The repr shows none of them.
    """

    permalink: object = field(default=None, repr=False)
    caption: object = field(default=None, repr=False)
    thumbnail_url: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Post:
    """A post, identified by its platform's id; `published_at` is None if the platform does not tell it.

    `refused` are the metrics that the platform refused for this post; they are not requested again today.
    `kind_is_sure` is False if a list did not tell the kind of the post, so that its two types are a guess. `content`
    is None if the answer was not asked for it, as for a stored post; the stored content is then still valid.
    """

    platform_post_id: str
    metric_type: MetricType
    content_type: ContentType
    published_at: datetime | None
    refused: frozenset[str] = frozenset()
    kind_is_sure: bool = True
    content: Content | None = field(default=None, repr=False, compare=False)

    @property
    def kind(self) -> tuple[MetricType, ContentType]:
        """The pair of types that determines which metrics the post has."""
        return self.metric_type, self.content_type


@dataclass(frozen=True, slots=True)
class Reading:
    """The metrics of one subject by canonical name, the reasons for missing ones, and the instant of the answer."""

    read_at: datetime
    metrics: Mapping[str, int | float] = field(default_factory=dict)
    unavailable: Mapping[str, Reason] = field(default_factory=dict)


@dataclass
class AccountReading:
    """The current numbers of an account and its posts.

    `listed` are the posts in the account's lists, with the facts that the lists give about them; `posts` are those
    whose metrics were read. `handle` is the account's present name, None if the answer has none. `gone` are ids of
    posts that no longer exist. `same` maps ids of known posts to the ids under which the lists return the same objects.
    `refused` has the metrics refused for single posts, by post id; `quarantined` names those in quarantine for a kind.
    `failures` has, for each part that was not read, the reason; `odd` describes each value that is not a valid number.
    `held_back` counts the posts that were not requested because the account's own budget of calls has no room for them.
    `insights_granted` tells whether the token saw insights of any post, `insights_denied` for how many it was denied.
    `dropped_content` counts captions and URLs of posts that cannot be stored; it is set when the posts are stored.
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
    held_back: int = 0
    insights_granted: bool = False
    insights_denied: int = 0
    dropped_content: int = 0

    def note_odd(self, subject: str, values: Mapping[str, str]) -> None:
        """Note values of a subject that are not valid numbers, with their descriptions by metric."""
        self.odd.update({f"{name} of {subject}": description for name, description in values.items()})

    @contextmanager
    def part(self, what: str, tally: "Tally") -> Iterator[None]:
        """Note a platform error of the block in `failures`, so that the other parts are still read.

        A limit is noted in the tally too: after `tally.limited`, no more requests may be sent.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        try:
            yield
        except NeedsReauth:
            raise
        except PlatformError as error:
            if isinstance(error, RateLimited):
                tally.note_limit(error)
            self.failures[what] = str(error)


@dataclass(frozen=True)
class DaysReading:
    """The numbers of a platform's own days, by date.

    `odd` describes the values that are not valid numbers; `failures` has, for each part that was not read, the reason.
    """

    days: Mapping[date, Reading]
    odd: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, days: Mapping[date, Numbers], read_at: datetime, failures: Mapping[str, PlatformError] | None = None
    ) -> "DaysReading":
        """Return the reading of the given numbers; `failures` has the errors of the parts that could not be read.

        Raises:
            PlatformError: no day has any number; this is the first of the failures.
        """
        if failures and not any(numbers.metrics for numbers in days.values()):
            raise next(iter(failures.values()))
        odd = {
            f"{name} of {day:%Y-%m-%d}": description
            for day, numbers in days.items()
            for name, description in numbers.odd.items()
        }
        found = {day: Reading(read_at, numbers.metrics, numbers.unavailable) for day, numbers in days.items()}
        return cls(found, odd, {part: str(error) for part, error in (failures or {}).items()})


@dataclass
class PostDaysReading:
    """The numbers that posts had at the end of the platform's own days, by the post's id and the date.

    `odd` describes the values that are not valid numbers; `failures` has, for each part that was not read, the reason.
    """

    posts: dict[str, dict[date, Reading]] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The posts of an account that collection wants to read, and what is known of its posts.

    `due` are the posts to read. `known` are all stored posts, by the platform's id. Of these, `announced` were named by
    a client and never returned by a list, `deleted` are no longer on the platform, `same` are known under another id as
    well, and `unread` are to be read as soon as a list returns them. Lists are read back to posts published at `since`.
    The platform updates `memory` while it reads; the caller saves it after the reading is stored.
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
        """The ids that lists returned earlier. Announced ids are left out: they do not show that the posts below them
        in the list were read."""
        return self.known.keys() - set(self.announced)

    def with_stored_kind(self, post: Post) -> Post:
        """Return a listed post; if the list did not tell its kind, with the kind that is stored for it."""
        known = self.known.get(post.platform_post_id)
        if post.kind_is_sure or known is None:
            return post
        return replace(post, metric_type=known.metric_type, content_type=known.content_type)

    def posts_to_read(self, listed: Mapping[str, Post]) -> list[Post]:
        """Return the listed posts to read now: new, unread, no longer deleted, or of another kind than stored."""
        again = {*self.deleted, *self.unread}
        return [
            post
            for name, post in listed.items()
            if name not in self.known or name in again or self.known[name].kind != post.kind
        ]


@dataclass
class Tally:
    """The cost of an account's calls, and the limits that they met.

    `tries` is the maximum number of attempts of a call that fails with transient errors. `near_limit` is set when the
    platform's budget is nearly used. `limited` is set when a limit was met after something had been read: that is kept,
    and no more requests are sent. `quota_used` is set when a quota of the app forbade some calls, while others go on.
    `used_percent` is the highest used share of a budget that any answer, or `budget`, reported; 0 if none did. `budget`
    limits the calls that are sent with `count_call`, if it is set. `usd` is what the platform bills for accounts of
    others and their posts, in US dollars.
    """

    tries: int = TRIES
    budget: CallBudget | None = None
    calls: int = 0
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    near_limit: RateLimited | None = None
    quota_used: QuotaUsed | None = None
    limited: RateLimited | None = None
    used_percent: float = 0.0
    usd: float = 0.0

    def note_limit(self, error: RateLimited) -> None:
        """Note a limit that was met after something had been read."""
        if isinstance(error, QuotaUsed):
            self.quota_used = error
        else:
            self.limited = error

    def count_call(self, *, for_posts: bool = False) -> None:
        """Count one call that is about to be sent.

        `for_posts` is set for the calls that read one post each. They leave a part of the budget to the others, which
        read the account and its lists.

        Raises:
            CallsUsed: `budget` has no room for the call, which must not be sent.
        """
        if self.budget is not None:
            self.used_percent = max(self.used_percent, self.budget.spend(for_posts=for_posts))
        self.calls += 1
        self.requests += 1


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that credentials can read: the platform's id, and its displayed name, None if the answer has none."""

    platform_account_id: str
    handle: str | None


class NameResolver(Protocol):
    """A platform whose accounts may be given by name (`PlatformFacts.account_names`)."""

    def resolve_name(self, name: str, tally: Tally) -> str:
        """Return the id, in normal form, of the account that has a name now.

        Raises:
            AccountUnreachable: no account has this name.
            PlatformError: the platform did not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class App:
    """What a platform grants to the app as a whole, and not to each account: quotas, an API key, and calls per minute.

    `pace` is asked before each call to a platform that limits the calls per minute. The repr does not show the key.
    """

    quotas: Quotas
    api_key: str | None = field(default=None, repr=False)
    pace: Pace = field(default_factory=Unpaced)


@runtime_checkable
class Pooling(Protocol):
    """A client that reads the numbers of several accounts in one call, when threads read them at the same time."""

    @property
    def threads(self) -> int:
        """How many accounts should be read at the same time, so that calls are full."""
        ...

    def expect(self, accounts: int, threads: int) -> None:
        """Take note that a run is going to read so many accounts, in so many threads."""
        ...


@runtime_checkable
class ReportReader(Protocol):
    """A client of a platform that also publishes days as files, which come and are replaced at any time."""

    def read_reports(self, access: Access, memory: Memory, tally: Tally) -> DaysReading:
        """Return the days of the files that were created since the last reading, whichever days these are.

        The platform updates `memory.jobs`; the caller saves it after the reading is stored. A failure is in the
        reading, and not raised.
        """
        ...


@runtime_checkable
class PostDaysReader(Protocol):
    """A client of a platform that tells some numbers of posts, `post_day_metrics`, by its own days only."""

    @property
    def post_day_metrics(self) -> Collection[str]: ...

    def read_post_days(self, access: Access, wanted: Mapping[Post, date], last: date, tally: Tally) -> PostDaysReading:
        """Return the numbers of posts over their lives at the ends of days, from each post's wanted day to `last`."""
        ...


class PlatformApi(Protocol):
    """One platform. Every method raises a leaf of `pipelines.platforms.errors`."""

    @property
    def name(self) -> Platform:
        """The platform's name."""
        ...

    @property
    def api_version(self) -> str:
        """The API version that is called."""
        ...

    @property
    def days(self) -> ProviderDays | None:
        """When the platform's own days are read; None if it has none."""
        ...

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the credentials can read, in one call.

        Raises:
            WrongIdentity: they belong to another account than `access` names.
            AccountUnreachable: the account does not exist, or this token may not read it.
        """
        ...

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due posts and its new posts."""
        ...

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield, page by page, the posts in the account's lists back to `wanted.since`, with their current numbers.

        A page's reading has the posts on the page, and the numbers of those that are not in `wanted.known`; it has no
        numbers of the account itself. `wanted.memory` must be separate from the memory of `read`. When a page is
        yielded, it tells where the next page begins: the caller saves it after the page is stored, and a later call
        continues there. A list whose end was reached is `done` in it. The `failures` of the readings name what was not
        read.
        """
        ...

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the numbers of the platform's own days; not called if the property `days` is None.

        The first and the last of `days` lie less than `ProviderDays.span` days apart.

        Raises:
            BudgetUsed: `budget` is too small for the posts that these requests bill.
            PlatformError: any other failure.
        """
        ...

    def refresh(self, access: Access, tally: Tally, /) -> Mapping[str, Any] | None:
        """Return renewed credentials, or None if a person has to connect the account again.

        The caller must store them before it uses them. They contain `expires_at`, in seconds since 1970, if the
        platform tells when they expire; the caller renews them before that.
        """
        ...
