"""Messages about anomalies: grouped, by severity, at most one in fifteen minutes, and each anomaly once."""

import base64
import tempfile
from pathlib import Path
from typing import Any

import pytest

from metrics.alerts.anomalies import COOL_DOWN
from metrics.calendars import Calendar
from metrics.store.insights.anomalies import SETTLED
from pipelines.insights.anomalies import picture
from pipelines.resources import Clients
from tests.pipelines.sensors.anomalies.told import (
    DAY,
    HOUR,
    KNOWN,
    MINUTE,
    NOW,
    PNG,
    SET,
    START,
    messages,
    put,
    rule,
    watch,
)
from tests.receiver import Receiver
from tests.serving.endpoints.stored_anomalies import put_breakout


def test_all_that_is_new_is_in_one_message_with_the_most_severe_first(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    put(clients, "an_mild", severity=4)
    for number in range(11):
        put(clients, f"an_{number:02}", severity=5, metric="totalEngagement", score=float(number))
    put(clients, "an_worst", severity=9, known=KNOWN)
    put(clients, "an_frozen", severity=6, kind="collection", grain="day", metric="followers",
        evidence={"cause": "rounded"}, foundAt=NOW - HOUR)  # fmt: skip
    assert watch(clients) == "1 workspaces have something new to hear of, 1 messages sent"
    (sent,) = receiver.messages
    assert sent["title"] == "Tidemark: 13 anomalies in w, severity up to 9 of 10"
    lines = sent["message"].splitlines()
    assert lines[0] == (
        "Severity 9 of 10: views of north.coffee (instagram) lay far above what was expected from 2026-03-02 10:00 to "
        "11:00 (UTC): 900 observed, 60 expected (30 to 95). Known of that time: "
        "Labor Day (holiday), Spring sale (campaign)."
    )
    assert lines[1] == (
        "Severity 6 of 10: gain of followers of north.coffee (instagram): the platform began to round them on "
        "2026-03-02. The cause is the collection, not the audience."
    )
    assert [line[:10] for line in lines[2:10]] == ["Severity 5"] * 8
    assert lines[10:] == [
        "And 3 more.",
        "https://tidemark.example.com/?workspace=w&page=happened",
        "workspace: w",
        f"message: {messages(clients)[0]['_id']}",
    ]
    assert watch(clients, NOW + HOUR).endswith("0 messages sent")
    assert len(receiver.messages) == 1


def test_hours_and_days_are_those_of_the_workspace(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    clients.store.calendars.switch("w", clients.store.calendars.prepare("w", Calendar("America/New_York")), [])
    put(clients, "an_1", **{"from": START - 7 * HOUR, "to": START - 4 * HOUR}, severity=9)
    day = START.replace(hour=5)
    put(clients, "an_2", **{"from": day - 48 * HOUR, "to": day}, grain="day", kind="shift", foundAt=NOW - HOUR)
    watch(clients)
    first, second, *_ = receiver.messages[0]["message"].splitlines()
    assert "from 2026-03-01 22:00 to 2026-03-02 01:00 (America/New_York)" in first
    assert "above what was expected for days in a row from 2026-02-28 to 2026-03-01: 900 observed" in second


def test_picture_of_the_most_severe_is_attached_and_its_file_is_removed(
    clients: Clients, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rule(clients, receiver.url)
    put(clients, "an_1")
    watch(clients)
    (attached,) = receiver.messages[0]["attachments"]
    content = base64.b64decode(attached["base64"])
    assert (attached["mimetype"], content[:8]) == ("image/png", PNG)
    assert 1_000 < len(content) <= picture.LARGEST
    assert b"tEXt" not in content
    assert list(tmp_path.glob("tidemark-picture-*")) == []


@pytest.mark.parametrize("broken", ["a drawing that fails", "no history"])
def test_message_is_sent_without_a_picture_where_there_is_none(
    clients: Clients, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    rule(clients, receiver.url)
    if broken == "no history":
        put(clients, "an_1", evidence={})
    else:
        put(clients, "an_1")
        monkeypatch.setattr(picture, "LARGEST", 10)
    watch(clients)
    (sent,) = receiver.messages
    assert sent["attachments"] == []
    assert "900 observed" in sent["message"]


def test_later_ones_wait_for_the_cool_down_and_are_sent_together(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    put(clients, "an_1")
    watch(clients)
    for minutes in (1, 2):
        put(clients, f"an_later_{minutes}", foundAt=NOW + minutes * MINUTE)
        watch(clients, NOW + (minutes + 1) * MINUTE)
    # Setting the rule again does not shorten it.
    rule(clients, severity=6, at=NOW + 4 * MINUTE)
    watch(clients, NOW + COOL_DOWN - MINUTE)
    assert len(receiver.messages) == 1
    watch(clients, NOW + COOL_DOWN)
    assert [one["title"] for one in receiver.messages[1:]] == ["Tidemark: 2 anomalies in w, severity up to 8 of 10"]


@pytest.mark.parametrize(
    "fields",
    [
        {"severity": 4},
        {"status": "ended", "grain": "day"},
        {"status": "ended", "from": NOW - 3 * DAY, "to": NOW - 2 * DAY - MINUTE},
        {"status": "withdrawn"},
        {"mutedBy": "an_platform"},
        {"foundAt": SET - MINUTE},
        {"grain": "day", "foundAt": NOW - SETTLED + MINUTE},
    ],
)
def test_what_is_mild_over_explained_or_older_than_the_rule_is_not_sent(
    clients: Clients, receiver: Receiver, fields: dict[str, Any]
) -> None:
    rule(clients, receiver.url)
    put(clients, "an_1", **fields)
    assert watch(clients).startswith("0 workspaces")
    assert receiver.messages == messages(clients) == []


@pytest.mark.parametrize("said", [{"muted": True}, {"acknowledgedBy": "frontend"}])
def test_what_a_person_has_muted_or_acknowledged_is_not_sent(
    clients: Clients, receiver: Receiver, said: dict[str, Any]
) -> None:
    rule(clients, receiver.url)
    put(clients, "an_1")
    put(clients, "an_2")
    clients.store.anomalies.change("w", "an_1", said, [])
    watch(clients)
    assert [one["anomalyIds"] for one in messages(clients)] == [["an_2"]]
    assert receiver.messages[0]["title"].startswith("Tidemark: 1 anomaly in w, severity 8")


def test_anomaly_that_becomes_severe_enough_is_sent_then(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    put(clients, "an_1", severity=4)
    watch(clients)
    put(clients, "an_1", severity=7)
    watch(clients, NOW + MINUTE)
    put(clients, "an_1", severity=9)
    watch(clients, NOW + HOUR)
    assert [one["title"] for one in receiver.messages] == ["Tidemark: 1 anomaly in w, severity 7 of 10"]


def test_hours_that_ended_before_they_could_be_told_are_told_once_as_over(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    put(clients, "an_over", status="ended", severity=9, foundAt=NOW)
    put(clients, "an_over_2", status="ended", severity=6, kind="drop", direction="down", foundAt=NOW)
    put(clients, "an_open", severity=5)
    watch(clients)
    (sent,) = receiver.messages
    assert sent["title"] == "Tidemark: 3 anomalies in w, severity up to 9 of 10"
    lines = sent["message"].splitlines()
    assert [line[:30] for line in lines[:4]] == [
        "Severity 5 of 10: views of nor", "What follows was over before i", "Severity 9 of 10: views of nor",
        "Severity 6 of 10: views of nor",
    ]  # fmt: skip
    put(clients, "an_open", status="ended")
    watch(clients, NOW + COOL_DOWN)
    assert len(receiver.messages) == 1, "what was told as open is not told again as over"


def test_day_of_a_whole_platform_is_one_line(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    day = START.replace(hour=0)
    # As `platform_wide` stores it: it has ended, and its children are muted by it.
    clients.store.anomalies.write([("opened", {
        "_id": "an_platform", "workspaceId": "w", "platform": "instagram", "scope": "platform", "grain": "day",
        "from": day, "to": day + 24 * HOUR, "kind": "platform", "direction": "down", "severity": 8, "status": "ended",
        "evidence": {"share": 0.34}, "model": "anomaly/1", "runId": "r", "foundAt": NOW, "changedAt": NOW,
    })])  # fmt: skip
    for number in range(5):
        put(clients, f"an_{number}", mutedBy="an_platform", grain="day", kind="drop", direction="down")
    watch(clients)
    (sent,) = receiver.messages
    assert sent["message"].splitlines()[0] == (
        "Severity 8 of 10: 34 % of all accounts of instagram at once lay far below what was expected on 2026-03-02 "
        "(UTC)."
    )
    assert sent["title"] == "Tidemark: 1 anomaly in w, severity 8 of 10"
    assert sent["attachments"] == []


def broken_out(clients: Clients, name: str, **fields: Any) -> None:
    """Store a breakout with the posts before it."""
    history = [{"at": START - n * 24 * HOUR, "value": 200.0 + n} for n in range(20, 0, -1)]
    history.append({"at": START, "value": 1230.0})
    put_breakout(clients.store, name, START, workspaceId="w", evidence={"history": history}, **fields)


def test_breakout_is_told_with_the_post_and_a_picture(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    broken_out(clients, "an_1", metricType="reel", foundAt=NOW)
    broken_out(clients, "an_2", age=1.0, to=START + HOUR, multiple=12.4, severity=7, foundAt=NOW)
    watch(clients)
    (sent,) = receiver.messages
    assert sent["title"] == "Tidemark: 2 anomalies in w, severity up to 7 of 10"
    published = "of north.coffee (instagram), published at 2026-03-02 10:00 (UTC), has"
    numbers = "1,230 observed, 205 expected (70 to 610)."
    assert sent["message"].splitlines()[:2] == [
        f"Severity 7 of 10: a post {published} 12.4 times the usual engagement after 1 hour: {numbers}",
        f"Severity 5 of 10: a reel {published} 6 times the usual engagement after 6 hours: {numbers}",
    ]
    (attached,) = sent["attachments"]
    assert base64.b64decode(attached["base64"])[:8] == PNG


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"status": "ended", "age": 24.0, "to": START + 24 * HOUR, "foundAt": START + 25 * HOUR}, True),
        ({"status": "ended", "age": 24.0, "to": START + 24 * HOUR, "foundAt": START + 25 * HOUR, "severity": 4}, False),
        ({"status": "withdrawn", "foundAt": START + 25 * HOUR}, False),
        ({"status": "ended", "foundAt": START - 3 * 24 * HOUR}, False),
        ({"status": "ended", "from": START - 99 * HOUR, "to": START - 75 * HOUR, "foundAt": NOW}, False),
    ],
)
def test_post_that_is_confirmed_when_it_is_found_is_told(
    clients: Clients, receiver: Receiver, fields: dict[str, Any], told: bool
) -> None:
    rule(clients, receiver.url)
    broken_out(clients, "an_1", **fields)
    watch(clients, START + 26 * HOUR)
    assert len(receiver.messages) == told


def test_breakout_that_is_withdrawn_before_it_is_sent_is_left_out(clients: Clients, receiver: Receiver) -> None:
    receiver.refuses = True
    rule(clients, receiver.url)
    broken_out(clients, "an_1", foundAt=NOW)
    watch(clients)
    receiver.refuses = False
    broken_out(clients, "an_1", foundAt=NOW, status="withdrawn")
    watch(clients, NOW + HOUR)
    assert receiver.messages == []
