"""The commands about workspaces: set, show and remove campaigns, alerts and countries; channels are never printed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from metrics.clock import utcnow
from metrics.periods import DAY, midnight
from metrics.redis.client import connect
from metrics.redis.versions import data_version
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.anomaly_alerts import AnomalyAlertDocument, AnomalyMessageDocument
from tests.serving.endpoints.stored_anomalies import put_anomaly
from tests.tidemark.commands import Cli
from tests.tidemark.test_bad_input import ACCOUNT, GOOD


@pytest.fixture
def acme(cli: Cli, on_stores: Store) -> Store:
    """A workspace with an account."""
    assert cli("accounts", "connect", *ACCOUNT).code == 0
    return on_stores


def test_campaign_is_set_listed_and_removed(cli: Cli, acme: Store, settings: Settings) -> None:
    with connect(settings) as redis:
        before = data_version(redis, "acme")
        ran = cli(*GOOD["campaigns set"], "--tag", "#Spring")
        assert (ran.code, ran.out) == (0, "spring: 2026-03-01 to 2026-03-21, #spring\n")
        assert data_version(redis, "acme") != before
    assert "#spring" in cli("campaigns", "list", "acme").out
    (listed,) = json.loads(cli("campaigns", "list", "acme", "--json").out)
    assert (listed["tag"], listed["startDate"]) == ("spring", "2026-03-01")
    assert cli("metrics", "define", "acme", "m", "likes{campaign=spring}", "--title", "M").code == 0
    assert "spring is named by m" in cli("campaigns", "remove", "acme", "spring").err
    assert cli("metrics", "retire", "acme", "m").code == 0
    assert cli("campaigns", "remove", "acme", "spring").out == "spring is removed\n"
    assert acme.campaigns.all("acme") == []


def test_alert_is_set_listed_and_removed(cli: Cli, acme: Store) -> None:
    Path("channels.txt").write_text("# the team\njson://receiver.example/secret-token\n\n")
    ran = cli(*GOOD["alerts set"], "--channels-from", "channels.txt")
    assert (ran.code, ran.out) == (0, "few: totalLikes below 10, daily, to json\n")
    assert cli(*GOOD["alerts set"], "--period", "weekly").code == 0
    shown = cli("alerts", "list", "acme").out + cli("alerts", "list", "acme", "--json").out
    assert "totalLikes below 10, weekly" in shown
    assert "secret-token" not in shown
    (listed,) = json.loads(cli("alerts", "list", "acme", "--json").out)
    assert [one["scheme"] for one in listed["channels"]] == ["json"]
    assert cli("alerts", "remove", "acme", "few").out == "few is removed\n"
    assert acme.alerts.all("acme") == []


def test_rule_about_anomalies_is_set_shown_and_removed(cli: Cli, acme: Store) -> None:
    assert cli("anomaly-alerts", "show", "acme").out.startswith("acme is told of no anomalies")
    assert json.loads(cli("anomaly-alerts", "show", "acme", "--json").out) is None
    Path("channels.txt").write_text("# the team\njson://receiver.example/secret-token\n\n")
    ran = cli(*GOOD["anomaly-alerts set"], "--channels-from", "channels.txt")
    assert (ran.code, ran.out) == (0, "acme: anomalies of severity 7 of 10 or more, to json\n")
    assert cli("anomaly-alerts", "set", "acme", "--min-severity", "9").out.endswith(
        "severity 9 of 10 or more, to json\n"
    )
    acme.anomaly_alerts.put({**rule_of(acme), "channels": [{**rule_of(acme)["channels"][0], "failures": 3}]})
    message: AnomalyMessageDocument = {
        "_id": "am_1", "workspaceId": "acme", "anomalyIds": ["an_1", "an_2"], "madeAt": utcnow(), "pending": False,
        "nextAt": utcnow(), "deliveries": [{"channel": "c", "state": "given_up", "attempts": 9}],
    }  # fmt: skip
    assert acme.anomaly_alerts.claim(rule_of(acme), message, utcnow())
    shown = cli("anomaly-alerts", "show", "acme").out
    assert "json: 3 failed attempts" in shown
    assert shown.split()[-1] == "given_up"
    listed = json.loads(cli("anomaly-alerts", "show", "acme", "--json").out)
    assert (listed["minSeverity"], [one["scheme"] for one in listed["channels"]]) == (9, ["json"])
    assert [(one["messageId"], one["anomalyIds"]) for one in listed["messages"]] == [("am_1", ["an_1", "an_2"])]
    assert "secret-token" not in shown + json.dumps(listed)
    assert "sealed" not in json.dumps(listed)
    Path("channels.txt").write_text("")
    assert cli(*GOOD["anomaly-alerts set"], "--channels-from", "channels.txt").out.endswith("to no channel\n")
    assert cli("anomaly-alerts", "remove", "acme").out == "acme is told of no anomalies any more\n"
    assert acme.anomaly_alerts.get("acme") is None


def rule_of(store: Store) -> AnomalyAlertDocument:
    found = store.anomaly_alerts.get("acme")
    assert found is not None
    return found


def test_country_is_set_shown_and_removed(cli: Cli, acme: Store) -> None:
    ran = cli("calendar", "set", "acme", "--country", "DE")
    assert (ran.code, ran.out) == (0, "acme: the holidays of DE are known\nacme: the calendar stays as it is\n")
    assert cli("calendar", "show", "acme").out.endswith("holidays: DE\n")
    assert json.loads(cli("calendar", "show", "acme", "--json").out)[0]["country"] == "DE"
    assert cli("calendar", "set", "acme", "--week-start", "sunday").code == 0
    assert acme.calendars.country("acme") == "DE", "what is not given stays"
    assert json.loads(cli("calendar", "set", "acme", "--country", "none", "--json").out)["country"] is None
    assert acme.calendars.country("acme") is None


def test_evaluation_is_printed_and_says_in_words_what_has_not_come_due(cli: Cli, acme: Store) -> None:
    first = midnight(utcnow().date() - timedelta(days=30))
    put_anomaly(acme, "an_1", first + DAY, workspaceId="acme")
    ran = cli("insights", "evaluate", "--workspace", "acme", "--since", f"{first:%Y-%m-%d}")
    assert ran.code == 0
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert f"Forecasts of days that came due, since {first:%Y-%m-%d}" in lines
    assert f"No forecast of days has come due since {first:%Y-%m-%d}." in lines
    assert f"No forecast of hours has come due since {first:%Y-%m-%d}." in lines
    assert "by kind found open ended withdrawn acknowledged per week and series" in lines
    assert "hour spike 1 0 1 0.0 % 0.0 %" in lines
    found = json.loads(cli("insights", "evaluate", "--json").out)
    assert found["workspaces"] == ["acme"]
    assert [one["anomalies"] for one in found["anomalies"]] == [1]
    assert sorted(found["unavailable"]) == ["bestTimes", "forecasts", "halfLives", "hourlyForecasts", "outlooks"]
    assert found["since"].endswith("T00:00:00Z")
