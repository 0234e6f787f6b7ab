"""What a term can have in a group: whether it selects anything there, whether the platforms have it, and since when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from metrics.calendars import Calendar
from metrics.catalog import CATALOG
from metrics.definitions.language.forms import Form, PostKind, Term
from metrics.definitions.scope import Scope
from metrics.documents import Platform
from metrics.expected import Connection, Span


@dataclass(frozen=True, slots=True)
class Group:
    """A group of accounts and posts: the labels that it was made by, and the accounts that may be in it."""

    labels: Mapping[str, str]
    accounts: tuple[Connection, ...]

    def takes(self, kind: PostKind) -> bool:
        """Tell whether posts of a kind can be in the group."""
        return self.labels.get("metricType", kind[1]) == kind[1] and self.labels.get("contentType", kind[2]) == kind[2]


def takes_any(form: Form, account: Connection) -> bool:
    """Tell whether any term of a formula selects an account or posts of it."""
    return any(term.selector.takes_account(account.account_id, account.platform) for term in form.terms)


def applies(term: Term, account: Connection, group: Group, scope: Scope) -> bool:
    """Tell whether a term selects an account, or a kind of posts that its platform has, within a group."""
    if not term.selector.takes_account(account.account_id, account.platform):
        return False
    if not term.is_of_posts and any(one.post_ids is not None for one in term.selector.chosen or ()):
        return False  # A campaign of posts has no number of accounts.
    return not term.is_of_posts or any(True for _ in _kinds(term, account.platform, group, scope))


def is_supported(term: Term, platform: Platform, group: Group, scope: Scope) -> bool:
    """Tell whether a platform has a number for a term that applies to it."""
    if not term.is_of_posts:
        return bool(term.metrics_on(platform))
    return any(term.metrics_on(kind) for kind in _kinds(term, platform, group, scope))


def changes(term: Term, platform: Platform) -> list[date]:
    """Return the days on which a platform changed what it counts under a metric of a term."""
    if term.function == "published":
        return []
    offers = (CATALOG[term.subject, name].offers.get(platform) for name in term.metrics)
    return [day for offer in offers if offer is not None for day in offer.changed]


def is_within(day: date, term: Term, span: Span, calendar: Calendar) -> bool:
    """Tell whether a change on a day makes the values of a term over a span a mixture of two meanings.

    The day is the workspace's day of the same date, as for all numbers of a provider's day. Such a number is wholly of
    the old or the new meaning, so a change on the first day of the span is not within it. A counter or a level steps on
    the day of the change itself.
    """
    start, end = span
    begins = calendar.span("daily", day).start
    return begins < end and (begins > start if term.function in ("total", "unique") else begins >= start)


def _kinds(term: Term, platform: Platform, group: Group, scope: Scope) -> Iterator[PostKind]:
    for kind in term.selected_kinds():
        if kind[0] == platform and group.takes(kind) and scope.content_type in (None, kind[2]):
            yield kind
