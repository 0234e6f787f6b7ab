"""The form in which a platform is described: its APIs, its ids, its kinds of posts, and the metrics that it offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Literal

from metrics.documents import AccountAccess, ContentType, MetricType, Platform
from metrics.platforms.ids import Refuse, number
from metrics.platforms.login import Login
from metrics.platforms.permissions import TokenPermissions
from metrics.platforms.terms import PublicTerms, Term

ON_ACCOUNTS: tuple[MetricType, ...] = ("account",)
ON_POSTS: tuple[MetricType, ...] = ("post", "story", "reel")


@dataclass(frozen=True, slots=True)
class Offer:
    """How one platform offers a metric.

    `field` is the platform's name of the metric, or several names joined by " + " whose values are summed. `on` are the
    metric types that have the metric; `without` are content types of ordinary posts that lack it nevertheless. `since`
    is the day on which the platform introduced `field` in place of an older one, whose values are never merged with its
    own. `changed` are days on which the platform changed what `field` counts: a step in a series on such a day is not
    growth. `note` tells, in whole sentences, how the platform's numbers differ from what the catalog says.

    `further` says that only accounts with a second grant have the metric. It is no part of engagement, which would
    otherwise be unknown for all other accounts, and two accounts could not be compared.
    """

    field: str
    on: tuple[MetricType, ...] = ON_POSTS
    without: tuple[ContentType, ...] = ()
    since: date | None = None
    changed: tuple[date, ...] = ()
    note: str = ""
    further: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The platform's fields whose sum is the metric; usually one."""
        return tuple(self.field.split(" + "))

    def covers(self, metric_type: MetricType, content_type: ContentType | None = None) -> bool:
        """Tell whether a subject of this type has the metric."""
        return metric_type in self.on and not (metric_type == "post" and content_type in self.without)


@dataclass(frozen=True, slots=True)
class PublicNumbers:
    """The numbers that a platform shows of accounts of others, and what reading them takes.

    `accounts` and `posts` are the canonical names of these metrics. Each is offered as for own accounts, except for
    those in `differs`, which the public route has in another field, on other posts, or with another meaning. `hidden`
    are counters that an owner may hide; an answer then lacks them for all posts, or for single ones.

    `lends` says that the route needs the token of a connected account of the workspace, and `by_app` describes the
    token of the app that it needs, the setting `<name>_app_token`; it is empty if there is no such token. `shared` says
    that one reading of an account may serve all workspaces that watch it.

    `least_followers` is how many followers an account needs to be shown. `lists_all` is False if the list of posts is a
    selection, so that neither the number of posts nor the end of one can be told from it. `lookups_per_day` is how many
    accounts a lending account may look up within 24 hours, None for no limit. `lender_calls_per_day` is how many calls
    a lending account has within 24 hours, of which the route may use a share (`TIDEMARK_WATCH_SHARE`). `prices` are
    what the platform bills for each distinct `user` and `post` that is read on a UTC day, in US dollars.

    `digits` are the significant digits to which levels above 1,000 are rounded down, by canonical name. `notes` say in
    whole sentences what is not to be compared on the platform, or only with care.

    Facts: docs/platform-facts.md#public-numbers-of-others.
    """

    accounts: tuple[str, ...]
    posts: tuple[str, ...] = ()
    differs: Mapping[str, Offer] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    lends: bool = False
    by_app: str = ""
    shared: bool = False
    least_followers: int = 0
    lists_all: bool = True
    lookups_per_day: int | None = None
    lender_calls_per_day: int = 0
    prices: Mapping[str, float] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Api:
    """A host of a platform: the default of the setting `<name>_url`, and its description.

    `shares_paths` says that the simulator, which has one port for all hosts, serves this one below its name: another
    host has the same paths.
    """

    url: str
    description: str
    shares_paths: bool = False

    def simulated_url(self, simulator: str) -> str:
        """Return the URL of this host in a simulator, whose base URL is given."""
        return f"{simulator}/{self.url.partition('://')[2]}" if self.shares_paths else simulator


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one kind of object: `normal` returns the normal form of a text or refuses it.

    `form` tells the form with an example, and where the id is found. It completes a sentence after a semicolon.
    """

    form: str
    normal: Callable[[str, Refuse], str] = number


@dataclass(frozen=True, slots=True)
class Colours:
    """The colour of a platform in charts, as `#rrggbb`: on a light and on a dark ground, each with a contrast of 3:1.

    Choose one that people with any kind of colour blindness can tell from those of the other platforms.
    """

    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """How the content of a platform's posts (captions, links, thumbnails) may be kept, and where its pictures are.

    `unseen` is the time after which content is removed unless the platform returned it again, None for no limit. Posts
    published longer ago than `age` have no content, if it is not None: they are read too rarely to notice in time that
    they are gone. `picture_servers` are the origins of thumbnails, as sources of a content security policy.
    `expiry_parameter` is the parameter of their URLs that has the time of expiry, in hexadecimal seconds since 1970.

    Facts: docs/platform-facts.md#content-of-posts.
    """

    unseen: timedelta | None = None
    age: timedelta | None = None
    picture_servers: tuple[str, ...] = ()
    expiry_parameter: str = ""


META_CONTENT = ContentFacts(
    picture_servers=("https://*.cdninstagram.com", "https://*.fbcdn.net"), expiry_parameter="oe"
)
"""The content of posts on Instagram, Facebook and Threads: all use both servers."""


@dataclass(frozen=True, slots=True)
class PublicFacts:
    """What a platform tells of accounts of others, which a workspace may watch.

    `handles` are the names by which they are found, and `by_id` says that they are also found by `account_ids`. `terms`
    are the rules about their numbers. `no_route` says in one sentence why there is no lawful route to them; it is empty
    if there is one.

    Facts: docs/platform-facts.md#public-numbers-of-others.
    """

    handles: Ids
    terms: PublicTerms
    by_id: bool = True
    no_route: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """A daily quota of calls that a platform grants to the app, not to each account.

    `units` is the default of the setting `<platform>_<quota>_units_per_day`; `calls` says which calls it counts.
    """

    units: int
    calls: str


def _only_itself(normal: str) -> tuple[str, ...]:
    return (normal,)


def _any_announcement(_post_id: str, _metric_type: MetricType, _refuse: Refuse) -> None:
    """Accept the announcement of a post."""


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """The facts about a platform that do not depend on a call.

    `title` is its name in text, `api_title` that of its API in Dagster. `apis` has its hosts by the name of the setting
    (the first one is named like the platform); `posts_per_day` is the default of its budget of distinct posts per UTC
    day, None for no limit, and `billing` says why there is one. `calls_per_day` is the default of its budget of calls
    for each account within 24 hours, None for no limit. `calls_per_minute` is the default of how many calls the app may
    make to each endpoint within 60 seconds, None if the platform has no such limit.

    `kinds` are the content types by metric type of the
    posts whose numbers the API reports; `other` is for posts that no other type fits. `rate_basis` is the metric by
    which engagement is divided: a counter of posts, or a level of their account if `rate_basis_of` is `account`, for a
    platform that does not tell how often a post was seen.

    `accounts` and `posts` have the metrics that it offers, by canonical name (`metrics/catalog.py` has what they mean);
    a text stands for an `Offer` of that field. `content` tells how the content of posts may be kept.
    `same_accounts` returns all normal forms of the same account. `needs_token` is False if the numbers of an account
    are public: then it is connected with or without a token. `account_names` are names that a user may give instead of
    an account's id, for a platform that resolves them.
    `public_numbers` are those of accounts of others, None if the platform has no lawful route to any.
    `check_announced` refuses the id of a post that a client announces, if it may be the id of something else.

    `day_zone` is the IANA time zone of the platform's own days, None if it has no numbers of days.
    `quotas` are the daily quotas of the app by name; they begin anew at midnight in the time zone `quota_zone`.
    `takes_api_key` says that public numbers can be read with an API key of the app, the setting `<name>_api_key`.
    `derived_needs_consent` says that the platform's terms demand a consent before its numbers are mixed with those of
    other platforms. `storing_needs_consent` says that they demand one before anything that its API returned is stored.
    `terms` are the rules of the platform's terms about kinds of data, and `public` what is known of accounts of others.
    `login` is the flow by which a person connects an account in a browser, None if Tidemark has none for the platform;
    `no_login` then tells in one sentence how accounts are connected instead. `second_login` is the flow of the second
    grant, which adds to a connected account; its app has the settings that are named like the host of its tokens.
    `token_permissions` are those that a token from elsewhere needs, None if the platform does not tell which it has.
    """

    name: Platform
    title: str
    api_title: str
    apis: Mapping[str, Api]
    kinds: Mapping[MetricType, tuple[ContentType, ...]]
    rate_basis: str
    colours: Colours
    account_ids: Ids
    post_ids: Ids
    accounts: Mapping[str, str | Offer]
    posts: Mapping[str, str | Offer]
    public: PublicFacts
    rate_basis_of: Literal["account", "post"] = "post"
    public_numbers: PublicNumbers | None = None
    needs_token: bool = True
    account_names: Ids | None = None
    posts_per_day: int | None = None
    billing: str = ""
    content: ContentFacts = ContentFacts()
    calls_per_day: int | None = None
    calls_per_minute: int | None = None
    same_accounts: Callable[[str], tuple[str, ...]] = _only_itself
    check_announced: Callable[[str, MetricType, Refuse], None] = field(default=_any_announcement)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    quota_zone: str = "UTC"
    day_zone: str | None = None
    takes_api_key: bool = False
    derived_needs_consent: bool = False
    storing_needs_consent: bool = False
    terms: tuple[Term, ...] = ()
    login: Login | None = None
    second_login: Login | None = None
    token_permissions: TokenPermissions | None = None
    no_login: str = "Connect its accounts with `tidemark accounts connect` and a token."

    @property
    def logins(self) -> Mapping[str, Login]:
        """The logins, by the name with which the settings of their apps begin."""
        found = {} if self.login is None else {str(self.name): self.login}
        return found if self.second_login is None else {**found, self.second_login.token.api: self.second_login}

    @property
    def connects_without_token(self) -> bool:
        """True if accounts can be connected without a token: their numbers are public, or the app's key reads them."""
        return not self.needs_token or self.takes_api_key

    def kept_days(self, access: AccountAccess) -> int | None:
        """Return for how many days the terms allow to keep what was read with an access; None if they set no limit."""
        return self.public.terms.days if access == "public" else None

    @property
    def kept_after_grant(self) -> timedelta | None:
        """For how long the terms allow to keep data after the grant ended; None if they name no time."""
        return min((one.kept_after_grant for one in self.terms if one.kept_after_grant), default=None)

    @property
    def takes_second_grant(self) -> bool:
        """True if the platform has metrics that only accounts with a second grant have."""
        return any(isinstance(one, Offer) and one.further for one in (*self.accounts.values(), *self.posts.values()))

    @property
    def refresh_needs(self) -> tuple[str, ...] | None:
        """The credentials of the app that a refresh token needs; None if the platform gives no refresh tokens.

        A platform without a login has sessions, which are renewed without an app.
        """
        if self.login is None:
            return ()
        if not self.login.keeps_app:
            return None
        return ("client_id",) if self.login.secret_optional else ("client_id", "client_secret")

    def account_offer(self, name: str) -> Offer | None:
        """Return how accounts have a metric, or None if they do not."""
        return _offer(self.accounts.get(name), ON_ACCOUNTS)

    def post_offer(self, name: str) -> Offer | None:
        """Return how posts have a metric, or None if they do not."""
        return _offer(self.posts.get(name), ON_POSTS)


def _offer(stated: str | Offer | None, on: tuple[MetricType, ...]) -> Offer | None:
    return Offer(stated, on) if isinstance(stated, str) else stated


def by_name(*facts: PlatformFacts) -> Mapping[Platform, PlatformFacts]:
    """Return platforms by their names, in the given order."""
    return MappingProxyType({one.name: one for one in facts})
