"""A brute-force reference for own metrics: loops over documents, with tables written by hand from docs/metrics.md.

It shares no code with the product. A formula is a structure here, never a text; `text` writes it for the product.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

KINDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "instagram": {
        "post": ("image", "video", "carousel", "other"),
        "story": ("image", "video", "other"),
        "reel": ("video", "other"),
    },
    "facebook": {"post": ("image", "video", "carousel", "text", "link", "other"), "reel": ("video", "other")},
    "twitter": {"post": ("image", "video", "carousel", "text", "link", "other")},
    "linkedin": {"post": ("image", "video", "carousel", "text", "link", "document", "other")},
}
OF_ACCOUNTS: Mapping[str, Sequence[str]] = {
    "instagram": ("followers", "following", "posts", "accountViews"),
    "facebook": ("followers", "accountViews"),
    "twitter": ("followers", "following", "posts", "accountImpressions"),
    "linkedin": ("followers", "accountImpressions"),
}
POST_METRICS = ("likes", "comments", "shares", "saves", "views", "impressions", "clicks")


def has(platform: str, metric_type: str, content_type: str, metric: str) -> bool:
    """Tell whether posts of a kind have a metric."""
    if platform == "instagram":
        if metric in ("likes", "comments", "saves"):
            return metric_type != "story"
        return metric in ("shares", "views") and (metric_type, content_type) != ("post", "video")
    if platform == "facebook":
        return metric in ("likes", "comments") or (metric_type == "post" and metric in ("shares", "views", "clicks"))
    if platform == "twitter":
        return metric in ("likes", "comments", "shares", "saves", "impressions", "clicks")
    return metric in ("likes", "comments", "shares", "impressions", "clicks")


@dataclass(frozen=True)
class Part:
    """A term: `how` is `posts`, `offered`, `postCount`, `total`, or a function of a level."""

    how: str
    metrics: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def of_posts(self) -> bool:
        """True if posts have the number."""
        return self.how in ("posts", "offered")

    def text(self) -> str:
        """Return the term as it is written."""
        labels = "; ".join(f"{name}={','.join(values)}" for name, values in self.labels.items())
        shown = f"{{{labels}}}" if labels else ""
        if self.how == "offered":
            return f"offered({' + '.join(self.metrics)}){shown}"
        return (
            f"{self.metrics[0]}{shown}"
            if self.how in ("posts", "postCount", "total")
            else f"{self.how}({self.metrics[0]}{shown})"
        )

    def takes(self, name: str, value: str) -> bool:
        """Tell whether the label `name` selects a value."""
        return name not in self.labels or value in self.labels[name]


Side = Sequence[tuple[Fraction, Part]]


@dataclass(frozen=True)
class Formula:
    """`constant * over / under`, or `over` alone if `under` is empty."""

    constant: Fraction
    over: Side
    under: Side

    def parts(self) -> list[Part]:
        """Return all terms."""
        return [part for _, part in (*self.over, *self.under)]

    def cancels(self) -> bool:
        """Tell whether terms of a side cancel each other: then they are no part of the formula that is evaluated."""
        return any(
            sum(factor for factor, other in side if other == part) == 0
            for side in (self.over, self.under)
            for _, part in side
        )

    def text(self) -> str:
        """Return the formula as it is written."""
        over, under = (
            " + ".join(f"{_text(f)} * {part.text()}" for f, part in side) for side in (self.over, self.under)
        )
        return f"{_text(self.constant)} * (({over}) / ({under}))" if under else over


def _text(factor: Fraction) -> str:
    return f"{factor.numerator} / {factor.denominator}"


@dataclass(frozen=True)
class Campaign:
    """A range of instants, with the accounts or the posts that belong to it; None for all."""

    span: tuple[datetime, datetime]
    accounts: tuple[str, ...] | None
    posts: tuple[str, ...] | None

    def has(self, account: str, post: str | None, at: datetime) -> bool:
        """Tell whether a day of a post, or of an account if there is no post, is one of the campaign."""
        mine = self.accounts is None or account in self.accounts
        return mine and (self.posts is None or post in self.posts) and self.span[0] <= at < self.span[1]


@dataclass
class World:
    """Accounts with the time of their connection, posts, documents of daily rollups, and campaigns by name."""

    accounts: list[dict[str, Any]]
    posts: list[dict[str, Any]]
    rollups: list[dict[str, Any]]
    campaigns: dict[str, "Campaign"] = field(default_factory=dict)

    def of(self, subject_id: str, span: tuple[datetime, datetime]) -> list[dict[str, Any]]:
        """Return the rollups of a subject that start within a span, oldest first."""
        found = [
            one for one in self.rollups if one["subjectId"] == subject_id and span[0] <= one["periodStart"] < span[1]
        ]
        return sorted(found, key=lambda one: one["periodStart"])

    def days(self, part: Part, account: str, post: str | None, span: tuple[datetime, datetime]) -> list[dict[str, Any]]:
        """Return the rollups of a post, or of an account, within a span and the campaigns of a term."""
        of = part.labels.get("campaign")
        return [
            day for day in self.of(post or account, span)
            if of is None or any(self.campaigns[name].has(account, post, day["periodStart"]) for name in of)
        ]  # fmt: skip

    def involves(self, part: Part, account: str) -> bool:
        """Tell whether a campaign of a term has an account, or a post of it."""
        of = [self.campaigns[name] for name in part.labels.get("campaign", ())]
        mine = {post["_id"] for post in self.posts if post["accountId"] == account}
        return not of or any(
            bool(mine & set(one.posts)) if one.posts is not None else one.accounts is None or account in one.accounts
            for one in of
        )


@dataclass(frozen=True)
class Cut:
    """A group of posts and accounts, by label."""

    platform: str | None = None
    account: str | None = None
    content_type: str | None = None
    metric_type: str | None = None

    def takes_account(self, account: Mapping[str, Any]) -> bool:
        """Tell whether an account belongs to the group."""
        return self.platform in (None, account["platform"]) and self.account in (None, account["_id"])

    def takes_kind(self, metric_type: str, content_type: str) -> bool:
        """Tell whether posts of a kind belong to the group."""
        return self.metric_type in (None, metric_type) and self.content_type in (None, content_type)


@dataclass(frozen=True)
class Answer:
    """The value with its parts, or a reason."""

    value: Fraction | None = None
    over: Fraction | None = None
    under: Fraction | None = None
    measured: int = 0
    reason: str | None = None


def answer(world: World, formula: Formula, span: tuple[datetime, datetime], cut: Cut) -> Answer:
    """Return what a formula has to be over one span, for one group."""
    of_group = [
        a for a in world.accounts if cut.takes_account(a) and any(_takes(world, part, a) for part in formula.parts())
    ]
    expected = [a for a in of_group if a["connectedAt"] < span[1] and span[0] < a.get("disconnectedAt", span[1])]
    if not of_group:
        return Answer(reason="not_supported")
    if not expected:
        return Answer(reason="no_observation")
    for side in (formula.over, formula.under):
        if side and not any(_applies(world, part, a, cut) for _, part in side for a in expected):
            return Answer(reason="not_supported")
    for part in formula.parts():
        for account in expected:
            if _applies(world, part, account, cut) and not _supported(part, account["platform"], cut):
                return Answer(reason="not_supported")
    if any(
        part.how in ("min", "max") and sum(_applies(world, part, a, cut) for a in expected) > 1
        for part in formula.parts()
    ):
        return Answer(reason="not_additive")
    posts = [
        post for post in world.posts for a in expected
        if post["accountId"] == a["_id"] and cut.takes_kind(post["metricType"], post["contentType"])
    ]  # fmt: skip
    if not formula.under:
        return _linear(world, formula, span, cut, expected, posts)
    if all(part.of_posts for part in formula.parts()):
        return _per_post(world, formula, span, posts)
    return _per_account(world, formula, span, cut, expected, posts)


def _takes(world: World, part: Part, account: Mapping[str, Any]) -> bool:
    own = part.takes("platform", account["platform"]) and part.takes("account", account["_id"])
    return own and world.involves(part, account["_id"])


def _kinds(part: Part, platform: str, cut: Cut) -> Iterator[tuple[str, str]]:
    for metric_type, content_types in KINDS[platform].items():
        for content_type in content_types:
            taken = part.takes("metricType", metric_type) and part.takes("contentType", content_type)
            if taken and cut.takes_kind(metric_type, content_type):
                yield metric_type, content_type


def _applies(world: World, part: Part, account: Mapping[str, Any], cut: Cut) -> bool:
    if not _takes(world, part, account):
        return False
    return not (part.of_posts or part.how == "postCount") or bool(list(_kinds(part, account["platform"], cut)))


def _supported(part: Part, platform: str, cut: Cut) -> bool:
    if part.how == "postCount":
        return True
    if part.of_posts:
        return any(has(platform, *kind, metric) for kind in _kinds(part, platform, cut) for metric in part.metrics)
    return part.metrics[0] in OF_ACCOUNTS[platform]


def _selects(world: World, part: Part, post: Mapping[str, Any], span: Any) -> bool:
    days = "campaign" not in part.labels or world.days(part, post["accountId"], post["_id"], span)
    return bool(days) and _labelled(part, post)


def _labelled(part: Part, post: Mapping[str, Any]) -> bool:
    labels = {"platform": "platform", "account": "accountId", "metricType": "metricType", "contentType": "contentType"}
    return all(part.takes(name, post[key]) for name, key in labels.items())


def _of_post(world: World, part: Part, post: Mapping[str, Any], span: tuple[datetime, datetime]) -> Fraction | None:
    wanted = list(part.metrics)
    if part.how == "offered":
        wanted = [m for m in wanted if has(post["platform"], post["metricType"], post["contentType"], m)]
    total = Fraction(0)
    for metric in wanted:
        nets = [
            day["metrics"][metric]["net"]
            for day in world.days(part, post["accountId"], post["_id"], span)
            if metric in day["metrics"]
        ]
        if not nets:
            return None
        total += sum(nets)
    return total if wanted else None


def _of_account(world: World, part: Part, account: Mapping[str, Any], span: Any, posts: Any) -> Fraction | None:
    if part.how == "postCount":
        mine = [p for p in posts if p["accountId"] == account["_id"] and span[0] <= p["publishedAt"] < span[1]]
        if "campaign" in part.labels:
            of = [world.campaigns[name] for name in part.labels["campaign"]]
            mine = [p for p in mine if any(one.has(p["accountId"], p["_id"], p["publishedAt"]) for one in of)]
        return Fraction(sum(_labelled(part, p) for p in mine)) if world.of(account["_id"], span) else None
    days = world.days(part, account["_id"], None, span)
    entries = [day["metrics"][part.metrics[0]] for day in days if part.metrics[0] in day["metrics"]]
    if not entries:
        return None
    found: dict[str, Any] = {
        "total": lambda: sum(one["total"] for one in entries),
        "open": lambda: entries[0]["open"],
        "close": lambda: entries[-1]["close"],
        "avg": lambda: Fraction(sum(one["sum"] for one in entries), sum(one["samples"] for one in entries)),
        "min": lambda: min(one["min"] for one in entries),
        "max": lambda: max(one["max"] for one in entries),
    }
    return Fraction(found[part.how]())


def _linear(world: World, formula: Formula, span: Any, cut: Cut, expected: Any, posts: Any) -> Answer:
    total, subjects = Fraction(0), set[str]()
    only_posts = all(part.of_posts for part in formula.parts())
    for factor, part in formula.over:
        if not any(_applies(world, part, account, cut) for account in expected):
            continue
        known: list[Fraction] = []
        if part.of_posts:
            for post in posts:
                value = _of_post(world, part, post, span) if _selects(world, part, post, span) else None
                if value is not None:
                    known.append(value)
                    subjects.add(post["_id"] if only_posts else post["accountId"])
        else:
            for account in expected:
                value = _of_account(world, part, account, span, posts) if _applies(world, part, account, cut) else None
                if value is not None:
                    known.append(value)
                    subjects.add(account["_id"])
        if not known:
            return Answer(reason="no_observation")
        total += factor * sum(known)
    return Answer(total, total, None, len(subjects))


def _per_post(world: World, formula: Formula, span: Any, posts: Any) -> Answer:
    over, under, measured, zero = Fraction(0), Fraction(0), 0, 0
    for post in posts:
        values = {
            id(part): _of_post(world, part, post, span) for part in formula.parts() if _selects(world, part, post, span)
        }
        has_basis = any(id(part) in values for _, part in formula.under)
        if not has_basis or None in values.values():
            continue
        basis, amount = (
            sum((f * (values[id(part)] or 0) for f, part in side if id(part) in values), Fraction(0))
            for side in (formula.under, formula.over)
        )
        if basis <= 0:
            zero += 1
            continue
        measured, over, under = measured + 1, over + amount, under + basis
    return _ratio(formula, over, under, measured, zero)


def _per_account(world: World, formula: Formula, span: Any, cut: Cut, expected: Any, posts: Any) -> Answer:
    over, under, measured, zero = Fraction(0), Fraction(0), 0, 0
    for account in expected:
        entering = []
        for post in (post for post in posts if post["accountId"] == account["_id"]):
            known = [
                _of_post(world, p, post, span) for p in formula.parts() if p.of_posts and _selects(world, p, post, span)
            ]
            if known and None not in known:
                entering.append(post)

        def value(part: Part, account: Any = account, entering: Any = entering) -> Fraction | None:
            if not part.of_posts:
                return _of_account(world, part, account, span, posts)
            found = [_of_post(world, part, post, span) for post in entering if _selects(world, part, post, span)]
            return sum((one for one in found if one is not None), Fraction(0)) if entering else None

        applying = [part for part in formula.parts() if _applies(world, part, account, cut)]
        if not any(part in applying for _, part in formula.under) or any(value(part) is None for part in applying):
            continue
        sums = [
            sum((f * (value(p) or 0) for f, p in side if p in applying), Fraction(0))
            for side in (formula.over, formula.under)
        ]
        if sums[1] <= 0:
            zero += 1
            continue
        measured, over, under = measured + 1, over + sums[0], under + sums[1]
    return _ratio(formula, over, under, measured, zero)


def _ratio(formula: Formula, over: Fraction, under: Fraction, measured: int, zero: int) -> Answer:
    if not measured:
        return Answer(reason="zero_basis" if zero else "no_observation")
    return Answer(formula.constant * over / under, over, under, measured)
