"""docs/export.md lists all columns."""

from pathlib import Path

from metrics.catalog import metrics_of
from metrics.export import OVER_HTTP, columns

PAGE = Path(__file__).parents[3] / "docs" / "export.md"


def test_page_lists_every_column_in_order() -> None:
    for dataset in OVER_HTTP:
        rows = [f"| `{c.name}` | {c.type} | {c.meaning} |\n" for c in columns(dataset)]
        assert "".join(rows) in PAGE.read_text()


def test_every_metric_of_the_catalog_has_a_column() -> None:
    names = {column.name for column in columns("metrics")}
    assert names >= {metric.name for subject in ("account", "post") for metric in metrics_of(subject)}
