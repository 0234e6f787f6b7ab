"""The log is cut at any instant: what is said until then does not depend on what comes after it.

The whole chain runs on MongoDB: observations, rollups, hourly nets, forecasts of days and hours, anomalies, curves of
posts, outlooks and breakouts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics.calendars import Calendar
from metrics.documents import Document, Observation
from metrics.forecasts import WINDOW
from metrics.periods import DAY, HOUR, midnight, slot_of
from metrics.store import Store
from pipelines.collect.ladder import due_slots
from pipelines.insights.anomalies.make import find
from pipelines.insights.anomalies.nets import derive_nets
from pipelines.insights.forecasts.make import make
from pipelines.insights.forecasts.make_hours import make_hours
from pipelines.insights.posts import outlook_models
from pipelines.insights.posts.keep import keep_curves
from pipelines.insights.posts.make_breakouts import make_breakouts
from pipelines.insights.posts.make_outlooks import make_outlooks
from pipelines.insights.posts.outlook import train
from pipelines.rollup import roll
from pipelines.rollup.write import STAMPS
from tests.examples import tried
from tests.pipelines.insights.posts.published import Curve, connect, halving, readings

BEGIN = datetime(2026, 2, 23, tzinfo=UTC)
HISTORY, SPAN = 30, 2
"""The days that are known in any case, and those in which the log is cut."""
UNTOUCHED = BEGIN + (HISTORY - 1) * DAY
"""Days before this one are derived once: the log is cut later."""
KEPT = ("forecasts", "workspace_forecasts", "hourly_forecasts", "workspace_hourly_forecasts", "post_outlooks")
"""Collections of documents that never change."""
ROLLUPS = ("subject_rollups", "aggregated_metrics")
DERIVED = (*KEPT, *ROLLUPS, "hourly_nets", "anomalies", "watched_series", "post_curves")
few = settings(tried(1, nightly=40), phases=(Phase.explicit, Phase.generate))
"""Nothing is shrunk: each attempt rolls and judges five weeks of a workspace."""
_APART = 14
"""Hours between posts."""
_serial = count()


@dataclass(frozen=True)
class Log:
    """A workspace with two accounts, of which one publishes, and what is observed of them in five weeks.

    From the cut on, everything is out of the ordinary, so that whatever saw the future would say something else.
    """

    workspace_id: str
    seed: int
    cut: datetime
    factor: float
    """The gains after the cut, as multiples of the usual gain."""

    def write(self, store: Store, *, future: bool) -> None:
        """Store what was observed until the cut, or what was observed after it."""
        for number in range(2):
            self._account(store, f"{self.workspace_id}-a{number}", number, future=future)

    def _account(self, store: Store, account_id: str, number: int, *, future: bool) -> None:
        random = np.random.default_rng((self.seed, number))
        slots = [BEGIN + hour * HOUR for hour in range(24 * (HISTORY + 2 * SPAN))]
        if not future:
            connect(store, account_id, BEGIN, self.workspace_id, connectedAt=BEGIN)
        gains = random.poisson(3, len(slots)) * [self.factor if slot >= self.cut else 1.0 for slot in slots]
        levels = (10_000 + np.cumsum(gains)).astype(int).tolist()
        rows = [
            Observation(
                self.workspace_id, account_id, "instagram", "account", slot, slot + HOUR, {"followers": level}, "r", "v"
            )
            for slot, level in zip(slots, levels, strict=True)
        ]  # fmt: skip
        if number == 0:
            rows += self._posts(store, account_id, random, future=future)
        store.observations.append(row for row in rows if (row.collected_at > self.cut) == future)

    def _posts(self, store: Store, account_id: str, random: np.random.Generator, *, future: bool) -> list[Observation]:
        """Store the posts that were published by the cut, or after it, and return the readings of all."""
        found: list[Observation] = []
        end = BEGIN + (HISTORY + 2 * SPAN) * DAY
        for index in range(24 * (HISTORY + 2 * SPAN) // _APART):
            at = BEGIN + index * _APART * HOUR + timedelta(minutes=int(random.integers(60 * _APART)))
            final, half = 400 * np.exp(0.4 * random.normal()), 5 * np.exp(0.1 * random.normal())
            usual = halving(final, half)

            def grown(age: float, at: datetime = at, usual: Curve = usual) -> float:
                known = min(age, max((self.cut - at) / HOUR, 0.0))
                return round(usual(known) + self.factor * (usual(age) - usual(known)))

            post: Any = {
                "_id": f"{account_id}-{index:03}", "workspaceId": self.workspace_id, "accountId": account_id,
                "platform": "instagram", "platformPostId": f"{account_id}-{index}", "metricType": "post",
                "contentType": "image", "publishedAt": at,
            }  # fmt: skip
            if (at > self.cut) == future:
                store.posts.put([post])
            found += readings(post, due_slots(at, slot_of(at), min(at + 9 * DAY, end)), grown)
        return found


def chain(store: Store, log: Log, now: datetime, *, fresh: bool = False) -> dict[str, list[Document]]:
    """Derive everything of a workspace up to an instant, and return it by collection."""
    some: Any = {"now": now, "run_id": "r", "workspace_ids": [log.workspace_id]}
    days = [BEGIN + day * DAY for day in range((now - BEGIN) // DAY + 1)]
    derived = days if fresh else [day for day in days if day >= UNTOUCHED]
    roll(store, "daily", derived, **some)
    names = [one["_id"] for one in store.accounts.find(workspace_id=log.workspace_id)]
    for day in derived:
        store.hourly_nets.put(derive_nets(store, log.workspace_id, names, day, Calendar(), now))
    keep_curves(store, log.workspace_id, BEGIN, now)
    for day in days[-2:]:
        find(store, day, **some)
    for day in days[-3:-1]:
        # What was said of the first is judged by the second.
        make(store, day, **{**some, "now": day + 30 * HOUR})
    window = midnight(now.date()) + (now - midnight(now.date())) // WINDOW * WINDOW - WINDOW
    for said in (window - WINDOW, window):
        make_hours(store, said, **{**some, "now": said + WINDOW})
    make_outlooks(store, slot_of(now), **some)
    make_breakouts(store, slot_of(now), **some)
    found = {name: list(store.db[name].find({"workspaceId": log.workspace_id}).sort("_id", 1)) for name in DERIVED}
    # The day under way is rolled up as far as it was read; nothing is said of it.
    for name in ROLLUPS:
        ended = [one for one in found[name] if one["periodEnd"] <= now]
        found[name] = [{field: value for field, value in one.items() if field not in STAMPS} for one in ended]
    return found


def forget(store: Store, log: Log) -> None:
    """Delete what was derived, but for the days that nothing after the cut can touch."""
    recent = {name: {"periodStart": {"$gte": UNTOUCHED}} for name in ROLLUPS} | {
        "hourly_nets": {"day": {"$gte": UNTOUCHED}}
    }
    for name in DERIVED:
        store.db[name].delete_many({"workspaceId": log.workspace_id, **recent.get(name, {})})


@st.composite
def logs(draw: st.DrawFn) -> Log:
    # The simplest cut is in the middle of an hour of an afternoon.
    minutes = draw(st.integers(0, SPAN * 24 * 60 - 1))
    cut = BEGIN + HISTORY * DAY + timedelta(minutes=(minutes + 16 * 60 + 25) % (SPAN * 24 * 60))
    factor = draw(st.sampled_from([60.0, 0.0]))
    return Log(f"w{next(_serial)}", draw(st.integers(0, 10_000)), cut, factor)


@pytest.mark.timeout(600)
@given(logs())
@few
def test_what_is_said_by_an_instant_depends_on_nothing_after_it(store: Store, log: Log) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Straight lines, made of as many posts as there are: trees would take seconds.
        patch.setattr(outlook_models, "LEAST_OF_PLATFORM", 20)
        patch.setattr(outlook_models, "train", partial(train, boosting=False))
        log.write(store, future=False)
        known = chain(store, log, log.cut, fresh=True)
        for name in (*KEPT, "hourly_nets", "post_curves", "aggregated_metrics"):
            assert known[name], name
        assert any("values" in one for one in known["forecasts"])
        assert any("values" in one for one in known["hourly_forecasts"])
        assert any("value" in one for one in known["post_outlooks"])
        forget(store, log)
        log.write(store, future=True)
        said = chain(store, log, log.cut)
        for name in DERIVED:
            assert said[name] == known[name], name
        # What was said stays when the future has come.
        later = chain(store, log, log.cut + 30 * HOUR)
        for name in KEPT:
            ids = {one["_id"] for one in known[name]}
            assert [one for one in later[name] if one["_id"] in ids] == known[name], name
        assert len(later["forecasts"]) > len(known["forecasts"])
