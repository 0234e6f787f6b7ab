"""Law 6: the value of any accepted formula equals the formula applied to brute-force sums of the paired parts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from metrics.definitions.evaluate import evaluate
from metrics.definitions.language.checker import check
from metrics.definitions.language.forms import Form
from metrics.definitions.language.tree import Refused
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.scope import GroupLabel, Scope, Value
from metrics.expected import Connection
from metrics.store import Store
from tests.examples import tried
from tests.metrics.definitions.reference import (
    KINDS,
    OF_ACCOUNTS,
    POST_METRICS,
    Answer,
    Campaign,
    Cut,
    Formula,
    Part,
    World,
    answer,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 12
DAY = timedelta(days=1)
GROUPINGS: list[tuple[GroupLabel, ...]] = [
    (), ("platform",), ("account",), ("metricType",), ("platform", "contentType"), ("contentType", "metricType"),
]  # fmt: skip
small = st.integers(-2, 9)


@st.composite
def worlds(draw: st.DrawFn, length: int = DAYS, shifts: Sequence[int] = (0, 0, 5, 17)) -> World:
    """Up to four accounts with a few posts each, and daily rollups of which any entry may be missing.

    The rollups are of some of the first `length` days. Days of a workspace may begin at any hour of `shifts`.
    """
    shift = timedelta(hours=draw(st.sampled_from(shifts)))
    workspace = "w"
    world = World([], [], [])
    for number in range(draw(st.integers(1, 4))):
        platform = draw(st.sampled_from(sorted(KINDS)))
        account: dict[str, Any] = {"_id": f"{workspace}a{number}", "workspaceId": workspace, "platform": platform}
        account["connectedAt"] = START + DAY * draw(st.sampled_from([-5, -5, 4]))
        if draw(st.integers(0, 3)) == 0:
            account["disconnectedAt"] = START + DAY * 8
        world.accounts.append(account)
        for day in draw(st.lists(st.integers(0, length - 1), max_size=5, unique=True)):
            world.rollups.append(rollup(account, account["_id"], day, shift, levels(draw, platform), "account", None))
        for other in range(draw(st.integers(0, 3))):
            metric_type = draw(st.sampled_from(sorted(KINDS[platform])))
            content_type = draw(st.sampled_from(KINDS[platform][metric_type]))
            post = {
                "_id": f"{account['_id']}p{other}", "workspaceId": workspace, "accountId": account["_id"],
                "platform": platform, "platformPostId": str(other), "metricType": metric_type,
                "contentType": content_type, "publishedAt": START + DAY * draw(st.integers(-2, length)),
            }  # fmt: skip
            world.posts.append(post)
            for day in draw(st.lists(st.integers(0, length - 1), max_size=4, unique=True)):
                nets = draw(st.dictionaries(st.sampled_from(POST_METRICS), small, max_size=7))
                entries = {name: {"open": 0, "close": net, "net": net, "samples": 1} for name, net in nets.items()}
                world.rollups.append(rollup(account, post["_id"], day, shift, entries, metric_type, content_type))
    for name in ("c0", "c1"):
        first, last = sorted(draw(st.tuples(st.integers(-1, DAYS), st.integers(-1, DAYS))))
        ids = [[one["_id"] for one in found] for found in (world.accounts, world.posts)]
        kind = draw(st.sampled_from(["all", "accounts", "posts"]))
        some = tuple(draw(st.lists(st.sampled_from(ids[kind == "posts"]), unique=True))) if ids[kind == "posts"] else ()
        world.campaigns[name] = Campaign(
            (START + DAY * first, START + DAY * (last + 1)),
            some if kind == "accounts" else None, some if kind == "posts" else None,
        )  # fmt: skip
    return world


def levels(draw: st.DrawFn, platform: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in OF_ACCOUNTS[platform]:
        if draw(st.integers(0, 4)) == 0:
            continue
        first, last = draw(small), draw(small)
        found[name] = {"total": first, "samples": 1} if name.startswith("account") else {
            "open": first, "close": last, "net": last - first, "samples": 2, "sum": first + last,
            "min": min(first, last), "max": max(first, last),
        }  # fmt: skip
    return found


def rollup(
    account: dict[str, Any], subject: str, day: int, shift: timedelta, entries: Any, metric_type: str, content: Any
) -> dict[str, Any]:
    start = START + DAY * day + shift
    document = {
        "_id": f"{subject}|daily|{start.isoformat()}", "workspaceId": account["workspaceId"],
        "accountId": account["_id"], "platform": account["platform"], "subjectId": subject, "metricType": metric_type,
        "period": "daily", "periodStart": start, "periodEnd": start + DAY, "observedSlots": 1, "metrics": entries,
    }  # fmt: skip
    return document if content is None else {**document, "postId": subject, "contentType": content}


def labels(draw: st.DrawFn, world: World, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    choices: dict[str, list[str]] = {
        "platform": sorted(KINDS), "account": [a["_id"] for a in world.accounts],
        "metricType": ["post", "story", "reel"], "contentType": ["image", "video", "text"],
        "campaign": ["c0", "c1"],
    }  # fmt: skip
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        if draw(st.integers(0, 5)) == 0:
            found[name] = tuple(draw(st.lists(st.sampled_from(choices[name]), min_size=1, max_size=2, unique=True)))
    return found


@st.composite
def parts(draw: st.DrawFn, world: World, unit: str) -> Part:
    """A term in one unit."""
    if unit == "people":
        how = draw(st.sampled_from(["open", "close", "avg", "min", "max"]))
        return Part(how, ("followers",), labels(draw, world, ("platform", "account", "campaign")))
    of_posts = ("platform", "account", "metricType", "contentType", "campaign")
    how = draw(st.sampled_from(["posts", "posts", "posts", "offered", "postCount", "total", "close", "avg"]))
    if how == "posts":
        return Part(how, (draw(st.sampled_from(POST_METRICS)),), labels(draw, world, of_posts))
    if how == "offered":
        names = draw(st.lists(st.sampled_from(POST_METRICS), min_size=1, max_size=4, unique=True))
        return Part(how, tuple(names), labels(draw, world, of_posts))
    if how == "postCount":
        return Part(how, ("postCount",), labels(draw, world, of_posts))
    name = draw(st.sampled_from(["accountViews", "accountImpressions"] if how == "total" else ["following", "posts"]))
    return Part(how, (name,), labels(draw, world, ("platform", "account", "campaign")))


@st.composite
def formulas(draw: st.DrawFn, world: World) -> Formula:
    factors = st.builds(Fraction, st.integers(-3, 5).filter(bool), st.integers(1, 4))

    def side() -> list[tuple[Fraction, Part]]:
        unit = draw(st.sampled_from(["count", "count", "count", "people"]))
        return [(draw(factors), draw(parts(world, unit))) for _ in range(draw(st.integers(1, 3)))]

    return Formula(draw(factors), side(), side() if draw(st.integers(0, 3)) else [])


@st.composite
def spans(draw: st.DrawFn, length: int = DAYS) -> list[tuple[datetime, datetime]]:
    """Spans of any hours, in any order; they may overlap, and leave gaps."""
    hours = st.integers(-24, 24 * (length + 1))
    pairs = draw(st.lists(st.tuples(hours, hours).filter(lambda both: both[0] < both[1]), min_size=1, max_size=4))
    return [(START + timedelta(hours=a), START + timedelta(hours=b)) for a, b in pairs]


def fill(database: Database[dict[str, Any]], world: World) -> list[Connection]:
    for name, documents in (("subject_rollups", world.rollups), ("posts", world.posts)):
        database[name].delete_many({})
        if documents:
            database[name].insert_many(documents)
    database["campaigns"].delete_many({})
    for name, one in world.campaigns.items():
        document: dict[str, Any] = {
            "_id": f"w|{name}", "workspaceId": "w", "name": name, "title": name,
            "startDate": one.span[0].date().isoformat(), "endDate": (one.span[1] - DAY).date().isoformat(),
        }  # fmt: skip
        document |= {} if one.accounts is None else {"accountIds": list(one.accounts)}
        database["campaigns"].insert_one(document | ({} if one.posts is None else {"postIds": list(one.posts)}))
    return [Connection.of(account) for account in world.accounts]


def exactly(value: Value) -> tuple[Any, ...]:
    parts = value.parts
    return (value.value, parts and parts.over, parts and parts.under, parts and parts.measured, value.reason)


def wanted(found: Answer) -> tuple[Any, ...]:
    if found.reason is not None:
        return (None, None, None, None, found.reason)
    numbers = [None if x is None else x.numerator if x.denominator == 1 else float(x)
               for x in (found.value, found.over, found.under)]  # fmt: skip
    return (*numbers, found.measured, None)


def accepted(formula: Formula, world: World) -> Form | None:
    """Return the normal form of a formula, or None if it is refused."""
    accounts = {account["_id"]: account["platform"] for account in world.accounts}
    campaigns = {name: one.posts is not None for name, one in world.campaigns.items()}
    try:
        return check(formula.text(), Vocabulary("w", {}, accounts, campaigns)).form
    except Refused:
        return None


@given(st.data())
@settings(tried(20, nightly=1000), phases=(Phase.explicit, Phase.generate))
def test_value_is_the_formula_of_brute_force_sums(store: Store, data: st.DataObject) -> None:
    world = data.draw(worlds())
    formula = data.draw(formulas(world))
    form = accepted(formula, world)
    assume(form is not None and not formula.cancels())
    assert form is not None
    cut, grouping = data.draw(spans()), data.draw(st.sampled_from(GROUPINGS))
    accounts = fill(store.db, world)
    scope = Scope("w")
    for value in evaluate(store, form, scope, cut, accounts, group_by=grouping):
        group = value.group
        of = Cut(group.get("platform"), group.get("account"), group.get("contentType"), group.get("metricType"))
        if of.metric_type == "account":
            of = Cut(of.platform, of.account)
        assert exactly(value) == wanted(answer(world, formula, cut[value.span], of)), (formula.text(), group)
