"""The results of reading a platform: the numbers of accounts, of posts and of the platform's own days."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from metrics.clock import utcnow
from metrics.documents import Reason
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import NeedsReauth, PlatformError, RateLimited
from pipelines.platforms.numbers import Numbers


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

    @classmethod
    def of(cls, numbers: Numbers, handle: str | None = None) -> "AccountReading":
        """Return the reading of the numbers that an account has now, without any posts yet."""
        found = cls(Reading(utcnow(), numbers.metrics, numbers.unavailable), handle)
        found.note_odd("the account", numbers.odd)
        return found

    def note_odd(self, subject: str, values: Mapping[str, str]) -> None:
        """Note values of a subject that are not valid numbers, with their descriptions by metric."""
        self.odd.update({f"{name} of {subject}": description for name, description in values.items()})

    @contextmanager
    def part(self, what: str, tally: Tally) -> Iterator[None]:
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
