"""The interface between collection and the platforms: the protocol `PlatformApi`, and what only some platforms have."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, runtime_checkable

from metrics.documents import Platform
from metrics.settings import Settings
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, DaysReading, PostDaysReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.limits import Pace, PostBudget, Quotas, Unpaced
from pipelines.platforms.memory import Memory
from pipelines.platforms.provider_days import ProviderDays

FurtherHosts = Mapping[str, Callable[[Settings], str]]
"""The further hosts of a platform: how each base URL follows from the settings, by argument of the constructor."""


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
