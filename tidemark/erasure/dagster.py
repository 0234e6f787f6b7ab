"""Erasure in Dagster's storage: replaces account ids in all text columns (events, metadata, cursors, tags).

Runs and partitions stay: if the runs were deleted, their hours would look as if they had never been collected.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tidemark.erasure.words import Words


def erase_in_sqlite(folder: Path, words: Words) -> int:
    """Replace ids in every SQLite file below DAGSTER_HOME; return the number of rows that had one."""
    rows = 0
    for path in sorted(folder.rglob("*.db")):
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        try:
            rows += erase_in_database(engine, words)
        finally:
            engine.dispose()
    return rows


def erase_in_postgres(url: str, words: Words) -> int:
    """Replace ids in Dagster's tables in Postgres; return the number of rows that had one."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg2://", 1))
    try:
        return erase_in_database(engine, words)
    finally:
        engine.dispose()


def erase_in_database(engine: sa.Engine, words: Words) -> int:
    """Replace ids in every text column; return the number of rows that had one."""
    sqlite = engine.dialect.name == "sqlite"
    row_id: Any = sa.literal_column("rowid" if sqlite else "ctid")
    rows = 0
    if sqlite:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Zero overwritten data, so that it does not stay on free pages.
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            rows = _clean(connection, engine, row_id, words)
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return rows
    with engine.begin() as connection:
        return _clean(connection, engine, row_id, words)


def _clean(connection: sa.Connection, engine: sa.Engine, row_id: Any, words: Words) -> int:
    metadata, rows = sa.MetaData(), 0
    metadata.reflect(engine)
    for table in metadata.sorted_tables:
        for column in (column for column in table.columns if isinstance(column.type, sa.String)):
            for account_id in words.account_ids:
                wanted = sa.select(row_id, column).where(column.contains(account_id, autoescape=True))
                for key, text in connection.execute(wanted).all():
                    cleaned = words.cleaned(text)
                    if cleaned != text:
                        connection.execute(sa.update(table).where(row_id == key).values({column.name: cleaned}))
                        rows += 1
    return rows
