"""Compare the columns of a warehouse's table with those that are loaded, before anything is written."""

from collections.abc import Mapping

from metrics.warehouse.destination import SchemaConflict
from metrics.warehouse.table import Field, Table, Type


def missing_fields(table: Table, present: Mapping[str, Type | str]) -> list[Field]:
    """Return the columns that have to be added to a table.

    `present` has the types of its columns by name; a type that Tidemark never makes is in the database's own words.

    Raises:
        SchemaConflict: a column has another type, or is none of Tidemark's.
    """
    for name, kind in present.items():
        wanted = table.types.get(name)
        if wanted is None:
            raise SchemaConflict(
                f"{table.name}.{name}: this column is not Tidemark's, and rows would be loaded without it: drop it, "
                "and keep columns of your own in a view or another table"
            )
        if kind != wanted:
            raise SchemaConflict(
                f"{table.name}.{name}: the column is {kind} in the warehouse, and {wanted} is loaded into it: change "
                f"it back, or drop the table (`DROP TABLE {table.name} CASCADE`) and run `tidemark warehouse backfill`"
            )
    return [field for field in table.fields if field.name not in present]
