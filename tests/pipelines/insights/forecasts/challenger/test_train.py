"""Training over all accounts that allow it: what was known, from whom, and what forecasts do with it."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.documents import AccountDocument
from metrics.periods import DAY, HOUR, midnight
from metrics.store import Store
from pipelines.insights.forecasts.challenger import train as training
from pipelines.insights.forecasts.challenger.stored import APART, challenger
from pipelines.insights.forecasts.challenger.train import missing_instants, rows_of_days, rows_of_hours, train
from pipelines.insights.forecasts.forecast import Forecast, forecast
from pipelines.insights.forecasts.hourly_series import HourlySeries
from pipelines.insights.forecasts.make import make
from pipelines.insights.forecasts.series import DailySeries
from tests.examples import tried
from tests.pipelines.insights.forecasts.days import roll_days
from tests.pipelines.insights.forecasts.hours import growing, hourly, put_hours

LAST = date(2026, 3, 29)
UNTIL = midnight(LAST) + DAY
LENGTH = 340


def growth(days: int, seed: int, gained: float = 30.0) -> list[float]:
    """Return followers who grow on every day but the sixth and seventh of a week."""
    random = np.random.default_rng(seed)
    added = random.poisson(gained, days) * (np.arange(days) % 7 < 5)
    return [float(value) for value in 1000 * (1 + seed) + np.cumsum(added)]


def connect(store: Store, account_id: str, workspace_id: str, **fields: Any) -> None:
    account: AccountDocument = {
        "_id": account_id, "workspaceId": workspace_id, "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": UNTIL - 500 * DAY,
    }  # fmt: skip
    account.update(fields)  # type: ignore[typeddict-item]
    store.accounts.put([account])


@pytest.fixture
def filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Six accounts of two workspaces; a model may be learned from five series."""
    monkeypatch.setattr(training, "LEAST_SERIES", 5)
    for number in range(6):
        name, workspace_id = f"a{number}", f"w{number % 2}"
        connect(store, name, workspace_id)
        roll_days(store, name, LAST, {"followers": growth(LENGTH, number)}, workspace_id)
    return store


def stored(store: Store, **query: Any) -> list[dict[str, Any]]:
    return list(store.db["forecast_models"].find(query).sort("_id", 1))


def trained(store: Store, until: Any = UNTIL) -> Any:
    return train(store, until, now=until + 5 * HOUR, run_id="r")


def test_first_training_makes_models_for_all_origins_of_a_back_test(filled: Store) -> None:
    report = trained(filled)
    found = stored(filled, grain="day")
    assert [one["knownUntil"] for one in found] == [UNTIL - number * 28 * DAY for number in range(7, -1, -1)]
    assert (report.made, report.newest["day"]["series"]) == (8, 6)
    assert report.too_few == APART["hour"][1], "there are no hours"
    newest = found[-1]
    assert newest["error"] < newest["errorOfCombination"], "growth that all share is learned"
    assert trained(filled).made == 0
    assert stored(filled, grain="day") == found, "what was trained stays"


def test_a_week_later_one_model_is_trained(filled: Store) -> None:
    trained(filled)
    for number in range(6):
        roll_days(filled, f"a{number}", LAST + 7 * DAY, {"followers": [99_999.0] * 7}, f"w{number % 2}")
    before = stored(filled)
    assert trained(filled, UNTIL + 7 * DAY).made == 1
    assert [one for one in stored(filled) if one["knownUntil"] <= UNTIL] == before


def test_model_is_the_same_whatever_came_later_and_whatever_else_was_trained(filled: Store) -> None:
    trained(filled)
    first = {one["_id"]: one["trees"] for one in stored(filled)}
    filled.db["forecast_models"].delete_many({})
    for number in range(6):
        roll_days(filled, f"a{number}", LAST + 7 * DAY, {"followers": [99_999.0] * 7}, f"w{number % 2}")
    trained(filled, UNTIL)
    assert {one["_id"]: one["trees"] for one in stored(filled)} == first


def test_forecast_takes_it_where_it_is_better_and_names_it(filled: Store) -> None:
    trained(filled)
    make(filled, midnight(LAST), now=UNTIL + 6 * HOUR, run_id="r")
    said = list(filled.db["forecasts"].find({"metric": "followers"}))
    taken = [one for one in said if one["method"] == "learned"]
    assert taken
    assert {one["learnedModel"] for one in taken} == {f"day|{UNTIL:%Y-%m-%d}"}
    assert all("learnedModel" not in one for one in said if one not in taken)
    filled.db["forecast_models"].delete_many({})
    filled.db["forecasts"].delete_many({})
    make(filled, midnight(LAST), now=UNTIL + 6 * HOUR, run_id="r")
    plain = {one["_id"]: one for one in filled.db["forecasts"].find({"metric": "followers"})}
    assert all(one["backtest"]["mase"] < 0.95 * plain[one["_id"]]["backtest"]["mase"] for one in taken)


def test_workspaces_terms_and_accounts_that_are_kept_apart_teach_nothing(filled: Store) -> None:
    connect(filled, "public", "w0", access="public")
    roll_days(filled, "public", LAST, {"followers": growth(LENGTH, 9)}, "w0")
    assert trained(filled).newest["day"]["series"] == 6
    filled.db["forecast_models"].delete_many({})
    filled.forecast_models.set_pooled("w1", pooled=False)
    assert not filled.forecast_models.pooled("w1")
    report = trained(filled)
    assert (report.made, report.too_few) == (0, 12), "three series are too few"
    filled.forecast_models.set_pooled("w1", pooled=True)
    assert filled.forecast_models.pooled("w1")
    assert trained(filled).newest["day"]["series"] == 6


def test_models_name_nobody(filled: Store) -> None:
    trained(filled)
    for one in stored(filled):
        assert set(one) == {
            "_id", "grain", "version", "knownUntil", "trainedFrom", "madeAt", "runId", "series", "rows", "error",
            "errorOfCombination", "trees",
        }  # fmt: skip


def test_hours_are_learned_from_as_well(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "LEAST_SERIES", 4)
    for number in range(2):
        connect(store, f"a{number}", "w")
        values = {"totalEngagement": hourly(1300, seed=number), "followers": growing(1300, seed=number)}
        put_hours(store, f"a{number}", UNTIL, values)
    report = trained(store)
    assert (report.made, report.newest["hour"]["series"]) == (4, 4)
    assert len(challenger(store, "hour", UNTIL + 6 * HOUR).models) == 4


@settings(tried(15, nightly=300))
@given(st.integers(70, 300), st.integers(0, 10**6))
def test_what_is_learned_at_an_instant_does_not_depend_on_later_days(known: int, other: int) -> None:
    values = np.array(growth(LENGTH, 3))
    changed = values.copy()
    changed[known:] = other
    first = LAST - timedelta(days=LENGTH - 1)
    instant = midnight(first) + known * DAY
    series = [DailySeries(first, one) for one in (values, changed, values[:known])]
    found = [rows_of_days(one, instant, level=True) for one in series]
    assert found[0] is not None
    for one in found[1:]:
        assert one is not None
        assert np.array_equal(one.features, found[0].features, equal_nan=True)
        assert np.array_equal(one.lacked, found[0].lacked)


@settings(tried(6, nightly=100))
@given(st.integers(340, 600), st.integers(0, 10**6))
def test_what_is_learned_at_an_instant_does_not_depend_on_later_hours(known: int, other: int) -> None:
    begin, values = UNTIL - 700 * HOUR, np.array(hourly(700))
    changed = values.copy()
    changed[known:] = other
    instant = begin + known * HOUR
    some = [HourlySeries(begin, one) for one in (values, changed, values[:known])]
    found = [next(rows_of_hours({("a", "totalEngagement"): one}, instant)) for one in some]
    for one in found[1:]:
        assert np.array_equal(one.features, found[0].features, equal_nan=True)
        assert np.array_equal(one.lacked, found[0].lacked)


def test_back_test_asks_no_model_that_knew_its_answer(filled: Store) -> None:
    """A series that jumps after an origin is said from there by models that had not seen the jump."""
    trained(filled)
    models = challenger(filled, "day", UNTIL)
    first = LAST - timedelta(days=LENGTH - 1)
    series = DailySeries(first, np.array(growth(LENGTH, 2)))
    whole = forecast(series, LAST, additive=False, challenger=models)
    assert isinstance(whole, Forecast)
    # The same at an earlier instant, with the models of that time and with all of them: the later ones are not asked.
    early = LAST - timedelta(days=28)
    cut = DailySeries(first, series.values[:-28])
    then = forecast(cut, early, additive=False, challenger=challenger(filled, "day", UNTIL - 28 * DAY))
    assert repr(then) == repr(forecast(cut, early, additive=False, challenger=models))


def test_weekly_models_stand_in_for_those_of_a_first_training() -> None:
    apart, count = APART["day"]
    weekly = [UNTIL - number * 7 * DAY for number in range(1, 32)]
    assert missing_instants(UNTIL, apart, count, weekly) == [UNTIL]
    assert missing_instants(UNTIL, apart, count, []) == [UNTIL - number * apart for number in range(7, -1, -1)]
    assert missing_instants(UNTIL, apart, count, [*weekly, UNTIL]) == []
