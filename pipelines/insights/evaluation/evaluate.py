"""How often statements were right: the report that `tidemark insights evaluate` prints."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypedDict

from metrics.catalog import DEFINITION_VERSION
from metrics.expected import Connection
from metrics.periods import DAY
from metrics.post_curves import HISTORY_DAYS
from metrics.store import Store
from pipelines.insights.evaluation.anomalies import Anomalies, AnomalyRow
from pipelines.insights.evaluation.forecasts import DailyForecasts, ForecastRow, HourlyForecasts
from pipelines.insights.evaluation.outlooks import OutlookRow, Outlooks
from pipelines.insights.evaluation.posts import BEST_SLOTS, BestTimes, BestTimesRow, HalfLifeRow, HalfLives

Progress = Callable[[int, int], None]


class Evaluation(TypedDict):
    """What came due from `since` to `until`: rows by kind of statement.

    `unavailable` has a sentence for each kind of which nothing can be said. `bestTimesSaid` has the numbers of
    statements about best times by outcome.
    """

    workspaces: list[str]
    since: datetime
    until: datetime
    forecasts: list[ForecastRow]
    hourlyForecasts: list[ForecastRow]
    outlooks: list[OutlookRow]
    anomalies: list[AnomalyRow]
    bestTimes: list[BestTimesRow]
    bestTimesSaid: dict[str, int]
    halfLives: list[HalfLifeRow]
    unavailable: dict[str, str]


def evaluate(
    store: Store,
    workspace_ids: Sequence[str],
    since: datetime,
    now: datetime,
    progress: Progress = lambda _done, _total: None,
) -> Evaluation:
    """Return how often what was said of workspaces was right, as far as it came due from `since` to `now`.

    Everything is read an account at a time, and nothing is written.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    hourly, outlooks = HourlyForecasts(store, since, now), Outlooks()
    anomalies, times, lives = Anomalies(store, since, now), BestTimes(since), HalfLives(since)
    accounts = {name: store.accounts.connections([name]) for name in workspace_ids}
    calendars = store.calendars.of(workspace_ids)
    homes = {
        account.account_id: (workspace_id, calendars[workspace_id].current.version)
        for workspace_id, of_workspace in accounts.items()
        for account in of_workspace
    }
    forecasts = DailyForecasts(store, since.date(), now.date(), homes)
    done, total = 0, sum(map(len, accounts.values()))
    for workspace_id, of_workspace in accounts.items():
        if of_workspace:
            anomalies.add(workspace_id, min(_connected_at(one, now) for one in of_workspace))
        outlooks.add(store.outlooks.due_of(workspace_id, since, now))
        for account in of_workspace:
            forecasts.add(account.account_id)
            hourly.add(account.account_id)
            curves = [
                one
                for one in store.post_curves.of_accounts(
                    workspace_id, [account.account_id], since - HISTORY_DAYS * DAY, now
                )
                if one["definitionVersion"] == DEFINITION_VERSION
            ]
            times.add(
                curves, store.best_times.history(account.account_id, {"timeZone": 1, "slots": {"$slice": BEST_SLOTS}})
            )
            lives.add(curves, store.content_decay.history(account.account_id, {"halfLife": 1}))
            done += 1
            progress(done, total)
    found: Evaluation = {
        "workspaces": list(workspace_ids),
        "since": since,
        "until": now,
        "forecasts": forecasts.rows(),
        "hourlyForecasts": hourly.rows(),
        "outlooks": outlooks.rows(),
        "anomalies": anomalies.rows(),
        "bestTimes": times.rows(),
        "bestTimesSaid": dict(sorted(times.said.items())),
        "halfLives": lives.rows(),
        "unavailable": {},
    }
    found["unavailable"] = {name: text for name, text in _sentences(since).items() if not found[name]}  # type: ignore[literal-required]
    return found


def _connected_at(account: Connection, now: datetime) -> datetime:
    return min((first for first, _ in account.spans), default=now)


def _sentences(since: datetime) -> dict[str, str]:
    day = f"{since:%Y-%m-%d}"
    return {
        "forecasts": f"No forecast of days has come due since {day}.",
        "hourlyForecasts": f"No forecast of hours has come due since {day}.",
        "outlooks": f"No post that was published since {day} has both an outlook and a final engagement.",
        "anomalies": f"No anomaly was found since {day}.",
        "bestTimes": "No claim about best times can be tested: since "
        f"{day}, no post was published in a claimed slot and another one outside of it.",
        "halfLives": f"No post that was published since {day}, and after a statement about half-lives, is a week old.",
    }
