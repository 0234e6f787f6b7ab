"""Reads what Pinterest tells of pins by day only: plays and time watched of videos, follows, and visits to the profile.

Amounts of days are added up from the day on which a pin was created. The sum up to the end of a day is then a counter
over the pin's life, like all other numbers of posts. Pinterest answers for 89 days, so an older pin has no such sum.

Facts: docs/platform-facts.md#pinterest-analytics.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from metrics.batches import batched
from metrics.catalog import metrics_of, offered
from metrics.clock import utcnow
from metrics.documents import Reason
from pipelines.platforms.answers import items_of, values_by_day
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import PostDaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import NeedsReauth, PlatformError, PostGone, RateLimited, RequestRefused
from pipelines.platforms.numbers import ABSENT, Numbers, field_of
from pipelines.platforms.pinterest.answers import TooOld, by_day, parsing_answer, reason_of
from pipelines.platforms.quarantine import Quarantine, Refused

MOST_PINS = 100
PATH = "pins/analytics"
_FURTHER_CALLS = 16
"""How many calls may be spent on finding the pins that are gone: one of a hundred takes fourteen."""
FIELDS: Mapping[str, str] = {
    metric.name: metric.offers["pinterest"].field
    for metric in metrics_of("post")
    if "pinterest" in metric.offers and by_day(metric.offers["pinterest"])
}
"""Pinterest's metric of each number that a pin has by day only, by canonical name."""

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class PinDays:
    """Reads days of the pins of one account, up to the day `last`."""

    def __init__(self, ask: Ask, account_id: str, quarantine: Quarantine, tally: Tally, last: date) -> None:
        self._ask, self._account_id, self._quarantine, self._tally = ask, account_id, quarantine, tally
        self._last = last
        self._wanted: Mapping[Post, date] = {}
        self._reading = PostDaysReading()
        self._further_calls = _FURTHER_CALLS

    def read(self, wanted: Mapping[Post, date]) -> PostDaysReading:
        """Return the sums of pins up to the end of each day, from the wanted day on.

        Raises:
            NeedsReauth: nothing can be read with this token.
            PlatformError: nothing could be read.
        """
        self._wanted = wanted
        whole = [post for post in wanted if (at := post.published_at) and at.date() <= self._last]
        # Pins of the same age need the same range of days.
        whole.sort(key=lambda post: (post.published_at, post.platform_post_id), reverse=True)
        fields = {name: field for name, field in FIELDS.items() if not self._is_retired(field)}
        for batch in batched(whole, MOST_PINS):
            if fields:
                try:
                    fields = self._read(list(batch), fields)
                except RateLimited as error:
                    if not self._reading.posts:
                        raise
                    self._tally.note_limit(error)
                    self._reading.failures["pins"] = str(error)
                    break
                except NeedsReauth:
                    raise
                except PlatformError as error:
                    self._reading.failures["pins"] = str(error)
        return self._reading

    def _is_retired(self, field: str) -> bool:
        refused = self._quarantine.is_refused(field, "post")
        return refused and not self._quarantine.should_retry(field, "post")

    def _read(self, posts: Sequence[Post], fields: Mapping[str, str]) -> dict[str, str]:
        """Read one batch; return the fields that Pinterest did not refuse. A pin that is gone fails its whole batch."""
        try:
            self._take(posts, fields)
        except PostGone as error:
            if len(posts) > 1:
                half = len(posts) // 2
                for part in (posts[:half], posts[half:]):
                    fields = self._read_part(part, fields, error)
        except TooOld:
            raise
        except RequestRefused as error:
            if len(fields) > 1:
                read = [self._read(posts, {name: field}) for name, field in fields.items()]
                return {name: field for one in read for name, field in one.items()}
            (field,) = fields.values()
            self._quarantine.refuse(Refused(field, "post", "", str(error)), self._account_id, posts[0].platform_post_id)
            return {}
        else:
            for field in fields.values():
                self._quarantine.accept(field, "post")
        return dict(fields)

    def _read_part(self, posts: Sequence[Post], fields: Mapping[str, str], error: PostGone) -> dict[str, str]:
        """Read a part of a batch that has a pin that is gone.

        Raises:
            PostGone: several are gone. The list of pins tells within an hour which, so they are not searched for here.
        """
        if self._further_calls <= 0:
            raise error
        self._further_calls -= 1
        return self._read(posts, fields)

    def _take(self, posts: Sequence[Post], fields: Mapping[str, str]) -> None:
        """Request some metrics of pins, and store their sums.

        Raises:
            PlatformError: the request failed, or the answer has an unexpected form.
        """
        created = min(post.published_at.date() for post in posts if post.published_at)
        params = {
            "pin_ids": ",".join(post.platform_post_id for post in posts),
            "start_date": created.isoformat(),
            "end_date": self._last.isoformat(),
            "metric_types": ",".join(fields.values()),
        }
        body = self._ask(PATH, params)
        for post in posts:
            offers = offered("pinterest", post.metric_type, post.content_type)
            own = {name: field for name, field in fields.items() if name in offers}
            try:
                with parsing_answer():
                    rows = items_of(body[post.platform_post_id]["all"]["daily_metrics"])
                    self._sum(post, values_by_day((date.fromisoformat(row["date"]), row) for row in rows), own)
            except PlatformError as error:
                self._reading.failures[post.platform_post_id] = str(error)

    def _sum(self, post: Post, rows: Mapping[date, object], fields: Mapping[str, str]) -> None:
        """Add up the amounts from the day of the pin's creation on, and store the sums of the wanted days.

        A sum is unknown from the first day on whose amount is unknown.
        """
        wanted, known, now = self._wanted[post], self._reading.posts.setdefault(post.platform_post_id, {}), utcnow()
        totals, missing = dict.fromkeys(fields, 0), dict[str, Reason]()
        for day in _days_of(post, rows):
            amounts = _amounts(rows.get(day, ABSENT), {n: f for n, f in fields.items() if n not in missing})
            missing |= amounts.unavailable
            for name, amount in amounts.metrics.items():
                totals[name] += int(amount)
            for name, odd in amounts.odd.items():
                self._reading.odd[f"{name} of {post.platform_post_id}, {day}"] = odd
            if day >= wanted:
                before = known.get(day, Reading(now))
                metrics = {name: total for name, total in totals.items() if name not in missing}
                known[day] = Reading(now, {**before.metrics, **metrics}, {**before.unavailable, **missing})


def _amounts(row: object, fields: Mapping[str, str]) -> Numbers:
    """Return the amounts of one day; a day that the answer leaves out has `ABSENT`."""
    numbers, why = Numbers(), reason_of(field_of(row, "data_status")) if row is not ABSENT else "no_observation"
    for name, field in fields.items():
        if why is None:
            numbers.take(name, field_of(field_of(row, "metrics"), field), "no_observation")
        else:
            numbers.miss(name, why)
    return numbers


def _days_of(post: Post, rows: Mapping[date, object]) -> Iterator[date]:
    """Yield the days of a pin's life up to the last one in the answer."""
    if post.published_at is not None and rows:
        first, last = post.published_at.date().toordinal(), max(rows).toordinal()
        yield from map(date.fromordinal, range(first, last + 1))
