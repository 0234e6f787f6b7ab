"""Breakouts, judged on posts of which the truth is known: made-up ones without any, and simulated ones.

* Made-up posts: logarithms with normal noise, so that nothing but chance breaks out.
* Simulated posts: accounts of Instagram over 200 days, read as the ladder reads them. Two in a hundred posts are viral
  by the simulator's truth: they are seen 25 times as often. All others are ordinary, although their luck has a long
  tail.
* Real accounts (`data/tweets`, `data/facebook-live`) have final values alone: their posts are compared as at one age.
* Planted posts: the growth of some ordinary posts is multiplied from their publication on.

A post counts once, at however many ages it breaks out. There is no bar in public data: the limits below are those at
which a change of the method has to be looked at. The seed of the world is none that tests use.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np

from bench.support.post_bars import Floats, real_accounts
from bench.support.simulated_forecasts import FIRST
from metrics.breakouts import CONFIRMED_AT, FEWEST_POSTS, LEAST_ENGAGEMENT, MOST_POSTS, Refusal
from metrics.catalog import DEFINITION_VERSION
from metrics.periods import HOUR, midnight
from metrics.post_curves import POINTS, PostCurveDocument
from pipelines.collect.ladder import due_slots
from pipelines.insights.anomalies.episodes import severity
from pipelines.insights.posts.breakout import Verdict, confirmed, judge, newest_breakout, verdicts
from pipelines.insights.posts.curves import curve
from simulator.curves import curve_of
from simulator.events import Event
from simulator.registry import new_world
from simulator.truth import post_values
from simulator.world import FIRST_BAR_SEED, SimPost, World

MOST_BY_CHANCE, MOST_OPENED, MOST_CONFIRMED, LEAST_VIRAL = 5.0, 50.0, 20.0, 70.0
"""Of 1,000 posts without a reason: at one age by chance alone, opened, and confirmed; viral posts found, in percent."""
_FIELDS = ("likes", "comments", "shares", "saved")
_DAYS, _READ = 200, timedelta(days=3)
_SIZES = (5, 10, 30)
_EVERY = 12
"""One ordinary post in so many is planted."""
_MADE_UP = 20_000
_Said = Mapping[float, Verdict | Refusal]


def judge_breakouts(data: Path, accounts: int) -> list[str]:
    """Print a limit beside each figure; return what falls short."""
    for name in ("tweets", "facebook-live"):
        _real(name, real_accounts(data, name))
    return [*_by_chance(), *_simulated(accounts), *_planted(accounts), *_cost()]


def _row(what: str, limit: str, figure: str, *, met: bool) -> list[str]:
    print(f"{what:62} {limit:>12} {figure:>22}  {'met' if met else 'FALLS SHORT'}")
    return [] if met else [f"{what}: {figure}, not {limit}"]


def _by_chance() -> list[str]:
    random = np.random.default_rng(FIRST_BAR_SEED)
    found = 0
    for _ in range(_MADE_UP):
        values = np.exp(5 + 0.5 * random.normal(size=101))
        found += judge(float(values[-1]), values[:-1], 6.0).breakout
    share = 1000 * found / _MADE_UP
    what = f"{_MADE_UP:,} made-up posts, normal noise, one age: per 1,000"
    return _row(what, f"<= {MOST_BY_CHANCE:g}", f"{share:.1f}", met=share <= MOST_BY_CHANCE)


def _real(name: str, accounts: Sequence[tuple[list[datetime], Floats]]) -> None:
    """Print how many posts of real accounts end as a breakout: they have final values alone, and no truth."""
    judged = found = 0
    for _, values in accounts:
        for place in range(FEWEST_POSTS, len(values)):
            earlier = values[max(place - MOST_POSTS, 0) : place]
            judged += 1
            one = float(values[place])
            found += one >= LEAST_ENGAGEMENT and judge(one, earlier, 48.0).breakout
    if judged:
        share = 1000 * found / judged
        print(f"data/{name}: of {judged:,} posts of {len(accounts)} accounts and types, {share:.1f} in 1,000 break out")


def _simulated(accounts: int) -> list[str]:
    world, counts, first = new_world(FIRST_BAR_SEED), Counter[str](), Counter[str]()
    refused: Counter[str] = Counter()
    severities: dict[str, list[int]] = {"viral": [], "ordinary": []}
    for post, said in _posts(world, accounts):
        if not any(isinstance(one, Verdict) for one in said.values()):
            refused[str(next((one for one in said.values() if one != "no_observation"), "no_observation"))] += 1
            continue
        kind = "viral" if curve_of(world, post).viral else "ordinary"
        counts[kind] += 1
        if (newest := newest_breakout(said)) is not None:
            severities[kind].append(severity(newest.chance))
            counts[f"{kind} opened"] += 1
            counts[f"{kind} confirmed"] += bool(confirmed(said))
            age = next(age for age, one in said.items() if isinstance(one, Verdict) and one.breakout)
            first[f"{kind} {'1 to 3' if age <= 3 else '6 and 12' if age < CONFIRMED_AT else '24 and 48'} h"] += 1
    print(f"{accounts} simulated accounts: {counts['ordinary']:,} ordinary, {counts['viral']:,} viral posts judged; "
          f"refused: {', '.join(f'{n:,} {reason}' for reason, n in sorted(refused.items()))}")  # fmt: skip
    print(f"first found at: {', '.join(f'{n} {when}' for when, n in sorted(first.items()))}")
    for kind, some in severities.items():
        high = ", ".join(f"{100 * np.mean(np.array(some) >= least):.0f} % {least}" for least in (2, 3, 5, 7))
        print(f"severities of {kind} ones at least: {high}")
    opened, held = (1000 * counts[f"ordinary {what}"] / counts["ordinary"] for what in ("opened", "confirmed"))
    viral, viral_held = (100 * counts[f"viral {what}"] / counts["viral"] for what in ("opened", "confirmed"))
    return [
        *_row("ordinary posts: opened, per 1,000", f"<= {MOST_OPENED:g}", f"{opened:.1f}", met=opened <= MOST_OPENED),
        *_row("ordinary posts: confirmed, per 1,000", f"<= {MOST_CONFIRMED:g}", f"{held:.1f}",
              met=held <= MOST_CONFIRMED),
        *_row("viral posts (25 times): found", f">= {LEAST_VIRAL:g} %",
              f"{viral:.0f} % ({viral_held:.0f} % confirmed)", met=viral >= LEAST_VIRAL),
    ]  # fmt: skip


def _planted(accounts: int) -> list[str]:
    for size in _SIZES:
        world, struck = new_world(FIRST_BAR_SEED), set[int]()
        events = []
        for index in range(accounts):
            account = world.account("instagram", index)
            start = midnight(FIRST) + timedelta(days=_DAYS / 2)
            posts = world.posts(account, start, midnight(FIRST) + timedelta(days=_DAYS))
            usual = [one for one in posts if one.metric_type != "story" and not curve_of(world, one).viral]
            for post in usual[:: _EVERY * 3]:
                struck.add(post.number)
                events.append(Event(
                    "breakout", post.published_at, size, account=account.platform_account_id,
                    post=post.platform_post_id,
                ))  # fmt: skip
        world.plant(events[:1000])
        found = Counter[str]()
        for post, said in _posts(world, accounts):
            if post.number in struck and any(isinstance(one, Verdict) for one in said.values()):
                found["planted"] += 1
                broken = [age for age, one in said.items() if isinstance(one, Verdict) and one.breakout]
                found["by 6 h"] += any(age <= 6 for age in broken)
                found["opened"] += bool(broken)
                found["confirmed"] += bool(broken) and bool(confirmed(said))
        shares = {name: 100 * found[name] / max(found["planted"], 1) for name in ("by 6 h", "opened", "confirmed")}
        print(f"planted x {size:2}: {found['planted']} posts, found by 6 h {shares['by 6 h']:.0f} %, at all "
              f"{shares['opened']:.0f} %, confirmed {shares['confirmed']:.0f} %")  # fmt: skip
    return []


def _cost() -> list[str]:
    """Print what the judgement of 1,000 accounts with three young posts each costs, with 100 earlier posts."""
    random = np.random.default_rng(1)
    start = midnight(FIRST)
    posts = [
        _document(start + timedelta(hours=14 * n), np.exp(random.normal(5, 0.5, len(POINTS))).tolist())
        for n in range(180)
    ]
    began = time.process_time()
    for _ in range(1000):
        for post in posts[-3:]:
            verdicts(post, posts)
    seconds = time.process_time() - began
    print(f"1,000 accounts with three young posts and 180 earlier ones: {seconds:.1f} CPU s")
    return []


def _posts(world: World, accounts: int) -> Iterator[tuple[SimPost, _Said]]:
    """Yield the posts of simulated accounts with what is said of them."""
    for index in range(accounts):
        account = world.account("instagram", index)
        start = midnight(FIRST)
        by_type: dict[str, list[tuple[SimPost, PostCurveDocument]]] = {}
        for post in world.posts(account, start, start + timedelta(days=_DAYS)):
            by_type.setdefault(post.metric_type, []).append((post, _curve(world, post)))
        for posts in by_type.values():
            curves: Sequence[PostCurveDocument] = [one for _, one in posts]
            for post, of_post in posts:
                yield post, verdicts(of_post, curves)


def _curve(world: World, post: SimPost) -> PostCurveDocument:
    slots = due_slots(post.published_at, post.published_at - HOUR, post.published_at + _READ)
    ends = [slot + HOUR for slot in slots if post.visible(slot + HOUR)]
    readings = [
        ((end - post.published_at) / HOUR, float(sum(post_values(world, post, _FIELDS, end).values()))) for end in ends
    ]
    return _document(post.published_at, curve(readings, 80.0))


def _document(published: Any, values: Sequence[float | None]) -> PostCurveDocument:
    fields = {"publishedAt": published, "values": list(values), "definitionVersion": DEFINITION_VERSION}
    return cast("PostCurveDocument", fields)
