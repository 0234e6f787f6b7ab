"""Rows in three formats: unknown values stay unknown, and each format can be read back to the same values."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import orjson
import pyarrow.parquet as pq
import pytest

from metrics.documents import Document
from metrics.export import OVER_HTTP, Dataset, columns, encode

SLOT = datetime(2026, 1, 15, 10, tzinfo=UTC)


def observation(metrics: dict[str, Any], **identity: str) -> Document:
    subject = {"workspaceId": "w", "accountId": "a", "platform": "instagram", "metricType": "account", **identity}
    times = {"timestamp": SLOT, "collectedAt": SLOT + timedelta(hours=1, milliseconds=5)}
    return {**times, "metadata": subject, "metrics": metrics, "runId": "r", "apiVersion": "v"}


POST = {"metricType": "post", "postId": "p", "platformPostId": "-1", "contentType": "image"}


def as_csv(*documents: Document, dataset: Dataset = "metrics") -> list[dict[str, str]]:
    text = b"".join(encode(dataset, "csv", documents)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def as_parquet(*documents: Document, dataset: Dataset = "metrics") -> list[dict[str, Any]]:
    # Without pandas, pyarrow converts timestamps itself, with zoneinfo.
    table = pq.read_table(io.BytesIO(b"".join(encode(dataset, "parquet", documents))))
    assert table.schema.names == [column.name for column in columns(dataset)]
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def test_unknown_is_empty_and_zero_is_zero() -> None:
    row = observation({"followers": 0})
    assert as_csv(row)[0]["followers"] == "0"
    assert as_csv(row)[0]["following"] == ""
    assert as_parquet(row)[0]["followers"] == 0
    assert as_parquet(row)[0]["following"] is None


def test_engagement_of_a_post_is_derived_where_all_its_parts_are_known() -> None:
    whole = observation({"likes": 3, "comments": 2, "shares": 1, "saves": 0}, **POST)
    assert as_csv(whole)[0]["engagement"] == "6"
    assert as_csv(observation({"likes": 3}, **POST))[0]["engagement"] == ""


def test_times_read_back_to_the_millisecond() -> None:
    row = observation({"followers": 1})
    assert as_csv(row)[0]["collectedAt"] == "2026-01-15T11:00:00.005Z"
    assert as_parquet(row)[0]["collectedAt"] == row["collectedAt"]


def test_values_that_fit_no_column_go_to_other_metrics() -> None:
    row = observation({"followers": 1.5, "likes": "many", "unheardOf": 7, "following": 2.0})
    expected = {"followers": 1.5, "likes": "many", "unheardOf": 7}
    assert orjson.loads(as_csv(row)[0]["otherMetrics"]) == expected
    assert orjson.loads(as_parquet(row)[0]["otherMetrics"]) == expected
    assert as_parquet(row)[0]["following"] == 2


def test_no_text_becomes_a_formula_and_no_number_a_text() -> None:
    row = observation({"likes": -5}, **POST)
    assert as_csv(row)[0]["platformPostId"] == "'-1"
    assert as_csv(row)[0]["likes"] == "-5"
    assert as_parquet(row)[0]["platformPostId"] == "-1"


def test_csv_is_rfc_4180() -> None:
    text = b"".join(encode("metrics", "csv", [observation({"x": 1}, accountId='a,"b"')])).decode()
    assert text.count("\r\n") == 2
    assert '"a,""b"""' in text


@pytest.mark.parametrize("dataset", OVER_HTTP)
def test_file_without_rows_is_valid(dataset: Dataset) -> None:
    assert as_csv(dataset=dataset) == []
    assert as_parquet(dataset=dataset) == []
    assert b"".join(encode(dataset, "ndjson", [])) == b""


def test_row_groups_join_to_one_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrics.export.parquet.ROW_GROUP", 2000)
    path = tmp_path / "m.parquet"
    path.write_bytes(b"".join(encode("metrics", "parquet", (observation({"followers": n}) for n in range(5001)))))
    assert pq.ParquetFile(path).num_row_groups == 3
    assert duckdb.execute(f"SELECT count(*), sum(followers) FROM '{path}'").fetchall() == [(5001, 5001 * 5000 // 2)]
