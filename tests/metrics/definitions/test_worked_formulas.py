"""Every worked formula of docs/definitions.md has the unit and the value that the page says."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from metrics.definitions.evaluate import evaluate
from metrics.definitions.language.checker import check
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.scope import Scope
from metrics.documents import Platform
from metrics.expected import FOREVER, Connection
from metrics.store import Store

PAGE = (Path(__file__).parents[3] / "docs" / "definitions.md").read_text()
START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = (START, START + timedelta(days=7))


def table(first: str) -> list[dict[str, str]]:
    """Return the rows of the table of the page whose first column has this heading."""
    (found,) = re.findall(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    (heading,) = re.findall(rf"^\| {first} \|.*", PAGE, re.MULTILINE)
    names = [cell.strip() for cell in heading.strip("|").split("|")]
    return [
        dict(zip(names, (cell.strip() for cell in row.strip("|").split("|")), strict=True))
        for row in found.splitlines()
    ]


POSTS, ACCOUNTS, FORMULAS = table("post"), table("account"), table("formula")
PLATFORMS = {row["account"]: cast("Platform", row["platform"]) for row in ACCOUNTS}


def fill(store: Store) -> list[Connection]:
    for row in ACCOUNTS:
        level = {name: float(row[name]) for name in ("open", "close", "min", "max")}
        followers = {**level, "net": level["close"] - level["open"], "sum": 4 * float(row["avg"]), "samples": 4}
        days = {name: {"total": int(row[name]), "samples": 1} for name in ("accountViews", "profileViews") if row[name]}
        insert(store, row["account"], row["account"], "account", {"followers": followers, **days})
    for row in POSTS:
        nets = {name: int(text) for name, text in list(row.items())[5:] if text}
        entries = {name: {"open": 0, "close": net, "net": net, "samples": 1} for name, net in nets.items()}
        insert(store, row["post"], row["account"], row["metricType"], entries, contentType=row["contentType"])
        store.db["posts"].insert_one({
            "_id": row["post"], "workspaceId": "w", "accountId": row["account"], "platform": PLATFORMS[row["account"]],
            "platformPostId": row["post"], "metricType": row["metricType"], "contentType": row["contentType"],
            "publishedAt": START + timedelta(days=1 if row["published"] == "in the week" else -9),
        })  # fmt: skip
    return [
        Connection(name, platform, ((START - timedelta(days=90), FOREVER),)) for name, platform in PLATFORMS.items()
    ]


def insert(store: Store, subject: str, account: str, metric_type: str, entries: Any, **more: str) -> None:
    store.rollups.subjects.insert_one({
        "_id": f"{subject}|daily", "workspaceId": "w", "accountId": account, "platform": PLATFORMS[account],
        "subjectId": subject, "metricType": metric_type, "period": "daily", "periodStart": START,
        "periodEnd": START + timedelta(days=1), "observedSlots": 4, "metrics": entries, **more,
    })  # fmt: skip


def test_every_worked_formula_has_its_unit_and_value(store: Store) -> None:
    accounts = fill(store)
    wanted, found = {}, {}
    for row in FORMULAS:
        formula = row["formula"].strip("`")
        checked = check(formula, Vocabulary("w", {}, PLATFORMS))
        (value,) = evaluate(store, checked.form, Scope("w"), [WEEK], accounts)
        wanted[formula] = (row["unit"], row["value"])
        found[formula] = (checked.unit, str(value.reason if value.value is None else value.value))
    assert found == wanted
    assert len(FORMULAS) >= 20
