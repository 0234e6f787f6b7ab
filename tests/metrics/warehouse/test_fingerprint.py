"""The hash of rows: no order, no batches, no empty columns; but every value, and the column that it stands in."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import assume, given
from hypothesis import strategies as st

from metrics.warehouse.fingerprint import Fingerprint
from tests.examples import tried

SCHEMA = pa.schema(
    [
        ("text", pa.string()), ("integer", pa.int64()), ("number", pa.float64()), ("flag", pa.bool_()),
        ("at", pa.timestamp("ms", tz="UTC")), ("day", pa.date32()), ("other", pa.int64()),
    ]
)  # fmt: skip
ROW = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(max_size=4),
        "integer": st.none() | st.integers(-(2**63), 2**63 - 1),
        "number": st.none() | st.floats(allow_nan=False),
        "flag": st.none() | st.booleans(),
        "at": st.none() | st.integers(0, 2**41),
        "day": st.none() | st.integers(0, 30_000),
        "other": st.none() | st.integers(0, 3),
    }
)
ROWS = st.lists(ROW, max_size=12)


def hashed(rows: Sequence[dict[str, Any]], size: int = 100, schema: pa.Schema = SCHEMA) -> tuple[int, str]:
    found = Fingerprint()
    for start in range(0, len(rows), size):
        found.add(pa.RecordBatch.from_pylist(list(rows[start : start + size]), schema=schema))
    return found.rows, found.hex()


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 5))
@tried(50, nightly=1000)
def test_neither_the_order_nor_the_batches_count(rows: list[dict[str, Any]], random: Any, size: int) -> None:
    shuffled = random.sample(rows, len(rows))
    assert hashed(rows) == hashed(shuffled, size)


@given(ROWS)
@tried(30, nightly=500)
def test_a_column_without_values_counts_for_nothing(rows: list[dict[str, Any]]) -> None:
    wider = SCHEMA.append(pa.field("new", pa.string()))
    assert hashed(rows) == hashed(rows, schema=wider)


@given(st.lists(ROW, min_size=1, max_size=6), st.data())
@tried(100, nightly=3000)
def test_another_value_in_any_column_is_another_hash(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    place, name = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.sampled_from(SCHEMA.names))
    value = data.draw(ROW)[name]
    assume(value != rows[place][name])
    changed = [{**row, name: value} if number == place else row for number, row in enumerate(rows)]
    assert hashed(changed) != hashed(rows)


def test_values_that_change_their_columns_their_rows_or_their_number_are_another_hash() -> None:
    one, two = {"integer": 1, "other": 2}, {"integer": 2, "other": 1}
    rows = [{"integer": 1, "other": 1}, {"integer": 2, "other": 2}]
    assert len({hashed([one]), hashed([two]), hashed([one, one]), hashed([one, two]), hashed(rows), hashed([])}) == 6
    assert hashed([{"number": 0.0}]) == hashed([{"number": -0.0}]) != hashed([{}])
